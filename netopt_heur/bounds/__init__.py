"""Certified lower bounds: a relaxation of the whole planning problem, solved better and better."""

from __future__ import annotations

from netopt_heur.bounds.bound import BoundResult, lower_bound, run_bound

__all__ = ["BoundResult", "lower_bound", "run_bound"]
