"""Changes to brands and people that belong to no workflow: the right, the row, the audit entry."""

from __future__ import annotations

from domain.brand import BrandProfile
from domain.errors import InvalidInput, StaleVersion
from domain.team import Right, Role, require
from storage.tables import Brand, User
from storage.uow import UnitOfWork


def add_brand(uow: UnitOfWork, user: User, profile: BrandProfile) -> Brand:
    """A new brand.

    Raises:
        NotPermitted: the role does not allow it.
        InvalidBrand: there is one of that name.
    """
    require(Role(user.role), Right.MANAGE)
    brand = uow.brands.add(profile)
    uow.audit.write(user.id, "add", "brand", brand.id)
    return brand


def save_brand(
    uow: UnitOfWork, user: User, brand_id: str, seen: int, profile: BrandProfile
) -> Brand:
    """Change what is said of a brand; its short name stays, because addresses and commands use it.

    Raises:
        NotPermitted: the role does not allow it.
        StaleVersion: somebody changed the brand after the person opened its form.
    """
    require(Role(user.role), Right.MANAGE)
    brand = uow.brands.get(brand_id)
    if seen != brand.row_version:
        raise StaleVersion("The brand", seen, brand.row_version)
    brand.name = profile.name
    brand.profile = profile.model_dump(mode="json")
    uow.audit.write(user.id, "change", "brand", brand.id)
    return brand


def stop_brand(uow: UnitOfWork, user: User, brand_id: str, *, on: bool) -> None:
    """Turn the brand's stop switch on (whoever decides may) or off (who manages)."""
    require(Role(user.role), Right.DECIDE if on else Right.MANAGE)
    brand = uow.brands.get(brand_id)
    brand.stopped = on
    uow.audit.write(user.id, "stop" if on else "resume", "brand", brand.id)


def add_person(
    uow: UnitOfWork, user: User, *, email: str, name: str, password: str, role: str, locale: str
) -> User:
    """A new person of the team.

    Raises:
        NotPermitted: the role does not allow it.
        InvalidInput: something is missing or taken.
    """
    require(Role(user.role), Right.MANAGE)
    if not name:
        raise InvalidInput("Give the person's name.")
    if role not in set(Role):
        raise InvalidInput(f"There is no role {role!r}.")
    person = uow.people.add(email, name, password, Role(role), locale)
    uow.audit.write(user.id, "add", "user", person.id, role=role)
    return person
