"""Constructive planning: circuits, IP routing, dimensioning, wavelength assignment, diagnosis."""
