"""Repairs of a plan: a changed instance is served with as little else changed as rules allow."""
