"""The chaos run: many due posts, a real Bluesky network, and everything around them failing."""
