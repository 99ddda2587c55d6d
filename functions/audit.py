"""The doors of auditors: records, one record, its proof, the root checkpoint. Audited like all others."""

from __future__ import annotations

import azure.functions as func

from functions.audited import respond
from shared.usecases import audit

bp = func.Blueprint()


@bp.function_name("audit_records")
@bp.route("audit/records", methods=["GET"])
async def audit_records(req: func.HttpRequest) -> func.HttpResponse:
    """A page of records: `from, to, caller, operation, outcome, entity, limit, cursor`."""
    return await respond(req, audit.RECORDS)


@bp.function_name("audit_record")
@bp.route("audit/records/{writer}/{index}", methods=["GET"])
async def audit_record(req: func.HttpRequest) -> func.HttpResponse:
    """The record that `X-Audit-Record` named."""
    return await respond(req, audit.RECORD)


@bp.function_name("audit_proof")
@bp.route("audit/records/{writer}/{index}/proof", methods=["GET"])
async def audit_proof(req: func.HttpRequest) -> func.HttpResponse:
    """The record with its C2SP tlog-proofs; the first of them alone for `Accept: text/plain`."""
    return await respond(req, audit.PROOF)


@bp.function_name("audit_checkpoint")
@bp.route("audit/checkpoint", methods=["GET"])
async def audit_checkpoint(req: func.HttpRequest) -> func.HttpResponse:
    """The newest signed checkpoint of the root log."""
    return await respond(req, audit.CHECKPOINT)
