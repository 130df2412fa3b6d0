"""The site document: the declarative description of what a gateway runs."""
