"""The siloed baseline: what planning layer by layer costs, and where joint planning saves."""

from netopt_heur.silo.compare import Stage, compare_silo, stages, table

__all__ = ["Stage", "compare_silo", "stages", "table"]
