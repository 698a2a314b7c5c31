"""The one HTTP client and the guard against server-side request forgery."""
