"""Telling people: e-mail, chat and push through one library."""
