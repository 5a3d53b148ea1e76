"""How evidence is gathered: instances, studies, the engine that runs them, the report and the command line."""
