"""Tegu for agents, by the Model Context Protocol: actions as tools, contents and results as resources, jobs as prompts."""
