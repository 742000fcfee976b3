"""The learner: experts, credit, stacking, proof and checkpoint (design section 6)."""
