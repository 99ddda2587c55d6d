"""The function app: creates it and registers the doors. ANONYMOUS, because Entra tokens are checked by us."""

import azure.functions as func

from functions import approvals, audit, catalog, presidio, reviews, service, timers

app = func.FunctionApp(http_auth_level=func.AuthLevel.ANONYMOUS)
for door in (presidio, catalog, approvals, audit, reviews, service, timers):
    app.register_functions(door.bp)
