"""Search: ruin and recreate on one plan, and the genetic algorithm over plans."""
