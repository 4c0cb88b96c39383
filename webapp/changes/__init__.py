"""Changes to the data: uploads, imports, maintainers, removal, and what is derived from other documents."""
