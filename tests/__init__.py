"""Tests; live/ talks to real servers, bench/ measures."""
