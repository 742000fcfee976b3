"""The learner: experts, credit, stacking, proof and checkpoint (design section 6)."""

from memory_core.threads import calm_threads

calm_threads()  # before any module of this package imports torch
