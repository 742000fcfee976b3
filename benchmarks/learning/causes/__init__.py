"""Does the learned similarity of failures find the same cause better than plain text does?"""
