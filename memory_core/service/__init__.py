"""The memory service: what joins the embedder, the store and the learner."""
