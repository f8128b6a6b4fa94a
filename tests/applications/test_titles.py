"""Titles of many contracts in one statement say what the title of each says."""

from django.utils import timezone

from applications.models import Application, Contract, ContractTerm
from applications.views._contract import title
from applications.views._titles import titles
from tests.applications.story import Party, register, share


def test_titles_of_many_are_those_of_each(acme: Party, beta: Party) -> None:
    """Several applications and none; a role that was taken away; both sides; no name for people."""
    yard, plain = register(acme, "Yard"), register(acme, "zebra")
    made = [
        share(acme, beta, acme.applications["planner"]),
        share(acme, beta, yard, type="access"),
        share(beta, acme, register(beta, "Harbour")),
        share(acme, beta, yard, until="draft"),
        share(acme, beta, plain, until="draft"),
    ]
    several, left, received, bare, _last = made
    role = ContractTerm.objects.filter(contract=left).values_list("role", flat=True)[0]
    now, span = timezone.now(), ContractTerm.objects.filter(contract=several)[0]
    for index, contract in enumerate((several, received)):
        ContractTerm.objects.create(
            contract=contract,
            role_id=role,
            during=span.during,
            confirmed_at=now,
            removed_at=now if index else None,
        )
    ContractTerm.objects.filter(contract=left).update(removed_at=now)
    ContractTerm.objects.filter(contract=bare).delete()
    Application.objects.filter(pk=plain.pk).update(display_name="")
    ids = [contract.id for contract in made]
    for party in (acme, beta):
        rows = Contract.objects.filter(pk__in=ids)
        found = titles(ids, party.tenant)
        assert {pk: one.text for pk, one in found.items()} == {
            row.pk: title(row, party.tenant) for row in rows
        }
        assert {one.provider for one in found.values()} == {acme.tenant.name, beta.tenant.name}
    assert titles([], acme.tenant) == {}
