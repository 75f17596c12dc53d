"""The sections of the report, one module each; `page.SECTIONS` has their order."""
