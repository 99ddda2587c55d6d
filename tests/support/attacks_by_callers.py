"""What callers do that the rules must see."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from devstack.loganalytics.cast import PEOPLE
from devstack.loganalytics.database import Database
from devstack.loganalytics.stream import Use
from shared.records.canonical import format_time
from shared.records.model import EmergencyRecord, RefusalsRecord, Where
from tests.support.attack_registry import AFTER, WRITER, attack, new_stream, put

ANNA, BELA, CHEN, DORA, EMIL, FAY = PEOPLE


@attack("recognizer-burst", "a recognizer used three times a day is hit 500 times within a minute")
def founding_scenario(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(500):
        stream.call(Use(ANNA, at + timedelta(milliseconds=100 * number), {"CRYPTO": 1}, chars=300), number)
    put(database, stream)


@attack("recognizer-burst", "one call with hundreds of findings of a type never seen before")
def unseen_type(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.call(Use(BELA, at + AFTER, {"IBAN_CODE": 201}))
    put(database, stream)


@attack("denied-burst", "forty tokens of one address are refused", timedelta(minutes=5))
def guessing(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(4):
        moment = at + timedelta(seconds=20 * number)
        record = RefusalsRecord(
            time=format_time(moment),
            until=format_time(moment),
            count=10,
            request_ids=tuple(f"guess-{number}-{n}" for n in range(10)),
            operations={"pii.analyze": 10},
            where=Where(address="192.0.2.200"),
            reason="bad_signature",
            status=401,
            code="invalid_token",
            policy=stream.policy,
            service=stream.service(WRITER),
        )
        stream.write(moment, record, WRITER)
    put(database, stream)


@attack("denied-burst", "one caller tries what it may not, from many addresses", timedelta(minutes=5))
def probing(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(31):
        use = Use(EMIL, at + timedelta(seconds=number), operation="pii.deanonymize", status=403)
        stream.call(replace(use, reason="not_permitted", address=f"203.0.113.{number}"), number)
    put(database, stream)


@attack("token-replay", "a copied token is used between two uses by its owner")
def copied_token(database: Database, at: datetime) -> None:
    stream = new_stream()
    for second, address in ((0, ANNA.address), (10, "192.0.2.66"), (20, ANNA.address)):
        stream.call(
            Use(ANNA, at + timedelta(seconds=second), {"PERSON": 1}, token="uti-copied", address=address)
        )
    put(database, stream)


@attack("token-replay", "a token wanders through three addresses")
def wandering_token(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(3):
        use = Use(
            ANNA, at + timedelta(seconds=number * 5), token="uti-wanders", address=f"192.0.2.{70 + number}"
        )
        stream.call(use)
    put(database, stream)


@attack("mass-reidentification", "forty-one texts are brought back within minutes")
def bring_back(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(41):
        stream.call(Use(FAY, at + timedelta(seconds=number)), number)
    put(database, stream)


@attack("first-sensitive-use", "a caller is told of card numbers for the first time", timedelta(minutes=15))
def first_card(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.call(Use(CHEN, at + AFTER, {"CREDIT_CARD": 1, "PERSON": 3}))
    put(database, stream)


@attack("first-sensitive-use", "a caller brings a value back for the first time", timedelta(minutes=15))
def first_reveal(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.call(Use(ANNA, at + AFTER, operation="pii.deanonymize", purpose="customer-request"))
    put(database, stream)


@attack(
    "off-hours-sensitive", "a person reads card numbers at eleven in the evening", timedelta(minutes=15), 23
)
def night_reading(database: Database, at: datetime) -> None:
    stream = new_stream()
    stream.call(Use(ANNA, at + AFTER, {"CREDIT_CARD": 2}))
    put(database, stream)


@attack("volume-exfiltration", "a person redacts sixteen million characters", timedelta(minutes=5))
def empty_a_system(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(40):
        stream.call(Use(DORA, at + timedelta(seconds=5 * number), {"PERSON": 4}, chars=200_000), number)
    put(database, stream)


@attack("break-glass", "a call is allowed by the emergency role")
def emergency(database: Database, at: datetime) -> None:
    stream = new_stream()
    use = Use(BELA, at + AFTER, role="Pii.BreakGlass", purpose="incident-response")
    stream.call(replace(use, justification="production data in a log"))
    put(database, stream)


@attack("break-glass", "the emergency role's window is opened, and nothing has been asked for yet")
def emergency_opened(database: Database, at: datetime) -> None:
    stream = new_stream()
    call = stream.record(Use(BELA, at + AFTER, role="Pii.BreakGlass"), WRITER, 4_000)
    record = EmergencyRecord(
        time=call.time,
        request_id=call.request_id,
        who=call.who,
        role="Pii.BreakGlass",
        ticket="INC-4711",
        purpose="incident-response",
        justification="production data in a log",
        until=format_time(at + timedelta(hours=4)),
        where=call.where,
        policy=stream.policy,
        service=stream.service(WRITER),
    )
    stream.write(at + AFTER, record, WRITER)
    put(database, stream)


@attack("approval-abuse", "a person with both roles approves its own request", timedelta(minutes=5))
def own_approval(database: Database, at: datetime) -> None:
    stream = new_stream()
    use = Use(EMIL, at + AFTER, operation="approval.decide", status=403)
    stream.call(replace(use, reason="approval_self"))
    put(database, stream)


@attack("approval-abuse", "a used approval is tried again and again", timedelta(minutes=5))
def replay(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(3):
        use = Use(EMIL, at + timedelta(seconds=number), operation="pii.deanonymize", status=403)
        stream.call(replace(use, reason="approval_used"), number)
    put(database, stream)


@attack("approval-abuse", "tickets are invented to go on with an emergency", timedelta(minutes=5))
def invented_tickets(database: Database, at: datetime) -> None:
    stream = new_stream()
    for number in range(3):
        use = Use(BELA, at + timedelta(seconds=number), role="Pii.BreakGlass", status=403)
        stream.call(replace(use, reason="emergency_too_many"), number)
    put(database, stream)
