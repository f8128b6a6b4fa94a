"""Amendments in the naive model: may it be, and what becomes of the contract."""

from datetime import datetime

from tests.support.naive import Naive
from tests.support.naive_facts import Amendment, Contract, Role, Term, cut, lives


def widens(contract: Contract, wanted: Amendment) -> bool:
    """It adds a role, or the end goes out."""
    return bool(wanted.add) or (moves(contract, wanted) and not earlier(contract, wanted))


def moves(contract: Contract, wanted: Amendment) -> bool:
    return wanted.moves and wanted.ends != contract.ends


def earlier(contract: Contract, wanted: Amendment) -> bool:
    if not moves(contract, wanted) or wanted.ends is None:
        return False
    return contract.ends is None or wanted.ends < contract.ends


def effect(wanted: Amendment, at: datetime) -> datetime:
    return at if wanted.when is None or wanted.when < at else wanted.when


def fits(model: Naive, contract: Contract, wanted: Amendment, at: datetime) -> bool:
    """The contract, as it is, lets itself be changed so."""
    moment = effect(wanted, at)
    if not model.running(contract, at) or (contract.ends is not None and contract.ends <= moment):
        return False
    assert contract.starts is not None
    if moves(contract, wanted) and wanted.ends is not None and wanted.ends <= max(moment, contract.starts):
        return False
    held = {name(term.role) for term in contract.terms if reaches(term, moment)}
    if any(pair not in held for pair in wanted.remove):
        return False
    if any(reaches(term, moment) and term.role in wanted.roles for term in contract.terms):
        return False
    return bool(wanted.add) or not wanted.remove or bool(held - set(wanted.remove))


def may_be_added(model: Naive, contract: Contract, wanted: Amendment, at: datetime) -> bool:
    """The provider may share each of the roles, in the life in which it was named."""
    if len(wanted.roles) != len(wanted.add):
        return False
    for role in wanted.roles:
        if not lives([role.life], at) or model.stopped(role.application, contract.provider, at):
            return False
        owner = model.applications[role.application].owner
        if contract.type == "provision" and owner != contract.provider:
            return False
        if contract.type == "access" and not model.may_pass_on(role, contract.provider, at):
            return False
    return True


def may_be_asked(model: Naive, contract: Contract, wanted: Amendment, at: datetime) -> bool:
    if not (wanted.add or wanted.remove or moves(contract, wanted)) or set(wanted.add) & set(wanted.remove):
        return False
    if wanted.answer_by is not None and not widens(contract, wanted):
        return False
    if not fits(model, contract, wanted, at) or not may_be_added(model, contract, wanted, at):
        return False
    return not widens(contract, wanted) or not waits(model, contract, at)


def waits(model: Naive, contract: Contract, at: datetime) -> bool:
    """An amendment of the contract can still be answered."""
    waiting = contract.waiting
    if waiting is None or not model.running(contract, at):
        return False
    dates = [waiting.answer_by, waiting.ends if waiting.moves else None]
    return not any(date is not None and date <= at for date in dates)


def carry_out(contract: Contract, wanted: Amendment, at: datetime) -> None:
    moment = effect(wanted, at)
    if moves(contract, wanted):
        if earlier(contract, wanted):
            for term in contract.terms:
                cut([term.life], wanted.ends)
            contract.pauses = [pause for pause in contract.pauses if pause[0] < wanted.ends]
            cut(contract.pauses, wanted.ends)
        else:
            run_on(contract, wanted.ends)
        contract.ends = wanted.ends
    for term in contract.terms:
        if name(term.role) in wanted.remove and reaches(term, moment):
            cut([term.life], moment)
            term.until = moment
    assert contract.starts is not None
    for role in wanted.roles:
        life = [max(moment, contract.starts), contract.ends]
        contract.terms.append(Term(role, life, confirmed=at if wanted.by_consumer else wanted.proposed))


def run_on(contract: Contract, ends: datetime | None) -> None:
    """What ran to the former end runs on; what was paused then stays so."""
    for term in contract.terms:
        start, end = term.life
        if start != end and end == contract.ends and term.role.life[1] is None:
            last = [moment for moment in (ends, term.until) if moment is not None]
            term.life[1] = min(last) if last else None
    for pause in contract.pauses:
        if pause[0] != pause[1] and pause[1] == contract.ends:
            pause[1] = None


def reaches(term: Term, moment: datetime) -> bool:
    start, end = term.life
    return start != end and (end is None or end > moment)


def name(role: Role) -> tuple[str, str]:
    return role.application, role.key
