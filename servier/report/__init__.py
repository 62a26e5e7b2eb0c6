"""Results for people: web pages, and tables for a terminal."""
