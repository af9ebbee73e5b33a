"""What to search for to find a value again. R4 search.html#ptypes: each case says how it is to be written, and
whether it finds exactly what has that value or may find more."""
import datetime
import re
from dataclasses import dataclass
from decimal import Decimal

CONTACT_SYSTEMS = {'phone', 'fax', 'email', 'pager', 'url', 'sms', 'other'}
CURRENCIES = 'urn:iso:std:iso:4217'


@dataclass(frozen=True)
class Case:
    """`suffix` is a modifier with its colon. `key` names the value, if all that have it and no others are found."""

    kind: str
    suffix: str
    text: str
    key: tuple = None
    finds: bool = True


def of(param_type, value, base):
    """The cases for one value of a parameter of this type; none if the value cannot be searched for."""
    return list(GENERATORS[param_type](value, base))


def escaped(text):
    return re.sub(r'([\\,$|])', r'\\\1', text)


def tokens(value):
    """Pairs of system and code; the system is False where the element has no place for one."""
    if isinstance(value, bool):
        return [(False, 'true' if value else 'false')]
    if isinstance(value, str):
        return [(False, value)]
    if not isinstance(value, dict):
        return []
    if 'coding' in value:
        return [pair for coding in value['coding'] for pair in tokens(coding)]
    if 'code' in value:
        return [(value.get('system'), value['code'])]
    if 'value' in value and value.get('system') in CONTACT_SYSTEMS:
        return [(False, value['value'])]
    return [(value.get('system'), value['value'])] if 'value' in value else []


def token_cases(value, _base):
    for system, code in tokens(value):
        if re.search(r'\s{2}|\n', code):
            continue
        yield Case('code', '', escaped(code), ('code', code))
        if system:
            yield Case('system and code', '', f'{escaped(system)}|{escaped(code)}', ('both', system, code))
            yield Case('system', '', f'{escaped(system)}|', ('system', system))
        elif system is None:
            yield Case('code without system', '', f'|{escaped(code)}', ('none', code))
    kinds = value.get('type', {}).get('coding', []) if isinstance(value, dict) and 'value' in value else []
    for kind in kinds:
        if 'system' in kind and 'code' in kind:
            text = '|'.join(escaped(part) for part in (kind['system'], kind['code'], value['value']))
            yield Case('of-type', ':of-type', text)


def token_keys(value, _base):
    for system, code in tokens(value):
        yield 'code', code
        if system:
            yield from (('both', system, code), ('system', system))
        elif system is None:
            yield 'none', code


def string_cases(value, _base):
    for text in strings(value):
        text = text.strip()
        if not text:
            continue
        short = text[:max(3, min(len(text) // 2, 40))].rstrip()
        yield Case('beginning', '', escaped(short))
        if '\n' in text or '  ' in text or '\t' in text:
            continue
        if len(text) <= 120:
            yield Case('whole', '', escaped(text))
            yield Case('whole in capitals', '', escaped(text.upper()))
            yield Case('exact', ':exact', escaped(text), ('exact', text))
        middle = text[len(text) // 3:len(text) // 3 + 12].strip()
        if len(middle) > 2:
            yield Case('contains', ':contains', escaped(middle))


def string_keys(value, _base):
    for text in strings(value):
        yield 'exact', text


def strings(value):
    if isinstance(value, str):
        return [value]
    if not isinstance(value, dict):
        return []
    names = ('family', 'given', 'prefix', 'suffix', 'text', 'line', 'city', 'district', 'state', 'postalCode', 'country')
    found = [value[name] for name in names if name in value]
    return [text for one in found for text in (one if isinstance(one, list) else [one]) if isinstance(text, str)]


def reference_of(value):
    if isinstance(value, dict):
        value = value.get('reference')
    return value if isinstance(value, str) and not value.startswith('#') else None


def reference_cases(value, base):
    for form, text, *key in reference_forms(value, base):
        yield Case(form, '', escaped(text), *key)
    identifier = value.get('identifier', {}) if isinstance(value, dict) else {}
    if 'system' in identifier and 'value' in identifier:
        text = f'{escaped(identifier["system"])}|{escaped(identifier["value"])}'
        yield Case('identifier', ':identifier', text, ('identifier', text))


def reference_forms(value, base):
    reference = reference_of(value)
    if reference is None:
        return
    local = re.fullmatch(r'([A-Z]\w+)/([A-Za-z0-9.-]{1,64})(/_history/.*)?', reference.removeprefix(f'{base}/'))
    if local:
        place = f'{local[1]}/{local[2]}'
        yield 'type and id', place, ('place', place)
        yield 'id', local[2], ('id', local[2])
        yield 'absolute URL', f'{base}/{place}', ('place', place)
    else:
        yield 'as it is written', reference


def reference_keys(value, base):
    for case in reference_cases(value, base):
        if case.key:
            yield case.key


def uri_cases(value, _base):
    if isinstance(value, str):
        yield Case('whole', '', escaped(value), ('uri', value))


def uri_keys(value, _base):
    if isinstance(value, str):
        yield 'uri', value


def first_day(text):
    parts = [int(part) for part in text[:10].split('-')]
    return datetime.date(*parts, *[1] * (3 - len(parts)))


def last_day(text):
    first = first_day(text)
    if len(text) == 4:
        return first.replace(month=12, day=31)
    if len(text) == 7:
        return (first.replace(day=28) + datetime.timedelta(days=4)).replace(day=1) - datetime.timedelta(days=1)
    return first


def date_cases(value, _base):
    two_days = datetime.timedelta(days=2)
    if isinstance(value, str):
        before, after = first_day(value) - two_days, last_day(value) + two_days
        for prefix in ('', 'eq', 'ge', 'le', 'ap'):
            yield Case(prefix or 'no prefix', '', f'{prefix}{value}')
        for prefix, day, finds in (('gt', before, True), ('ge', before, True), ('sa', before, True), ('lt', after, True),
                                   ('le', after, True), ('eb', after, True), ('ne', before, True),
                                   ('gt', after, False), ('lt', before, False), ('sa', after, False),
                                   ('eb', before, False)):
            yield Case(f'{prefix}{"" if finds else " beyond"}', '', f'{prefix}{day}', finds=finds)
    elif isinstance(value, dict) and ('start' in value or 'end' in value):
        if 'start' in value:
            before = first_day(value['start']) - two_days
            for prefix, finds in (('gt', True), ('ge', True), ('sa', True), ('eb', False), ('lt', False)):
                yield Case(f'{prefix} before a period', '', f'{prefix}{before}', finds=finds)
        if 'end' in value:
            after = last_day(value['end']) + two_days
            for prefix, finds in (('lt', True), ('le', True), ('eb', True), ('sa', False), ('gt', False)):
                yield Case(f'{prefix} after a period', '', f'{prefix}{after}', finds=finds)
    elif isinstance(value, dict):
        for event in value.get('event', []):
            yield from (case for case in date_cases(event, None) if case.finds)
        if 'boundsPeriod' in value.get('repeat', {}):
            yield from (case for case in date_cases(value['repeat']['boundsPeriod'], None) if case.finds)


def number_cases(value, _base):
    if not isinstance(value, (str, int, Decimal)) or isinstance(value, bool):
        return
    text, number = str(value), Decimal(str(value))
    margin = abs(number) / 10 + 1
    for prefix in ('', 'eq', 'ge', 'le'):
        yield Case(prefix or 'no prefix', '', f'{prefix}{text}')
    for prefix, other, finds in (('gt', number - margin, True), ('lt', number + margin, True),
                                 ('ge', number - margin, True), ('le', number + margin, True),
                                 ('gt', number + margin, False), ('lt', number - margin, False)):
        yield Case(f'{prefix}{"" if finds else " beyond"}', '', f'{prefix}{other:f}', finds=finds)


def quantity_cases(value, _base):
    if not isinstance(value, dict) or 'value' not in value or 'comparator' in value:
        return
    unit = ''
    if 'currency' in value:
        unit = f'|{CURRENCIES}|{value["currency"]}'
        yield Case('currency', '', f'{value["value"]}{unit}')
    elif 'code' in value and 'system' in value:
        unit = f'|{escaped(value["system"])}|{escaped(value["code"])}'
        yield Case('system and code', '', f'{value["value"]}{unit}')
    if 'code' in value:
        yield Case('code alone', '', f'{value["value"]}||{escaped(value["code"])}')
    elif 'unit' in value:
        yield Case('unit', '', f'{value["value"]}||{escaped(value["unit"])}')
    for case in number_cases(value['value'], None):
        yield case
        if case.finds and unit:
            yield Case(f'{case.kind} of unit', '', f'{case.text}{unit}')


def no_keys(_value, _base):
    return ()


GENERATORS = {'token': token_cases, 'string': string_cases, 'reference': reference_cases, 'uri': uri_cases,
              'date': date_cases, 'number': number_cases, 'quantity': quantity_cases}
KEYS = {'token': token_keys, 'string': string_keys, 'reference': reference_keys, 'uri': uri_keys,
        'date': no_keys, 'number': no_keys, 'quantity': no_keys}
