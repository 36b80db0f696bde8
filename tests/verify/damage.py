"""All damages: each breaks one rule for certain, at a random place, in the plan or by a harder scenario."""

from __future__ import annotations

from tests.verify import damage_demands, damage_failures, damage_optical
from tests.verify.damage_tools import Damage, Damaged

__all__ = ["DAMAGES", "Damage", "Damaged"]

DAMAGES: list[Damage] = [*damage_optical.DAMAGES, *damage_demands.DAMAGES, *damage_failures.DAMAGES]
