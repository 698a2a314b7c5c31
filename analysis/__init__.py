"""The evaluation layers in numbers: tables in, figures out; no model, no database."""
