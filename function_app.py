"""The function app: creates it and registers the doors. Authentication is ours (Entra tokens), so ANONYMOUS."""

import azure.functions as func

from functions import catalog, presidio, service

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for door in (presidio, catalog, service):
    app.register_functions(door.bp)
