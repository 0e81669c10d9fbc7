"""Where keys are kept: records, abstract stores and their drivers."""
