"""What is too much, too deep, malformed or dangerous: each is answered with an OperationOutcome, nothing is stored of
it, and the server goes on. R4 http.html#Status-Codes."""
import gzip
import json
import socket
import threading
import time
from urllib.parse import quote

from fhir import BASE, Fhir, FhirAnswer, form, link

BACKENDS = ('sqlite', 'postgres')

MEGABYTE = 1 << 20
ENTRIES = 10_000


def run(bench):
    gateway = bench.gateway(http={'request_timeout': '10m'}).start()
    server = Fhir(gateway, 'integrator')
    for number in range(30):
        person = {'resourceType': 'Patient', 'name': [{'family': f'Known{number}'}], 'birthDate': '1970-01-01'}
        assert server.send('POST', '/Patient', person).status == 201
    before = everything(gateway, server)
    bench.check('what was stored is in the history and in the audit log', min(int(before[0]), before[1]) >= 30, before)
    sizes(bench, gateway, server)
    bodies(bench, server)
    queries(bench, server)
    cursors(bench, server)
    broken_transactions(bench, server)
    bench.equal('nothing of all that was stored, and nothing is in the audit log as done', everything(gateway, server),
                before)
    loops(bench, server)
    races(bench, gateway, server)
    if bench.backend == 'sqlite' or bench.is_long:
        many_entries(bench, server)
    bench.equal('the server is well', gateway.api().get('/health/ready').status, 200)
    bench.check('nothing in it panicked', 'panicked' not in gateway.log(), gateway.log()[-3000:])


def everything(gateway, server):
    """Versions of all resources, and what the audit log says was written."""
    server.close()
    history = server.get('/_history?_count=1').json
    events, cursor, auditor = 0, None, gateway.api('auditor')
    while True:
        page = auditor.get('/api/admin/audit', **({'cursor': cursor} if cursor else {})).json
        rows = next(value for value in page.values() if isinstance(value, list))
        events += sum(json.dumps(row).count('fhir.create') + json.dumps(row).count('fhir.update') for row in rows
                      if 'denied' not in json.dumps(row))
        cursor = next((value for name, value in page.items() if 'next' in name.lower() and value), None)
        if cursor is None:
            return history['total'], events


def refused(bench, what, answer, *statuses):
    """A client's error that says so in FHIR."""
    return bench.check(f'{what}: {" or ".join(map(str, statuses))}',
                       answer.status in statuses and answer.issue() is not None, answer)


def sizes(bench, gateway, server):
    head, tail = b'{"resourceType":"Basic","code":{"text":"', b'"}}'
    for what, path in (('a resource', '/Basic'), ('a bundle', '')):
        answer = upload(gateway, server, path, 100 * MEGABYTE, head, tail)
        refused(bench, f'{what} of 100 MB', answer, 413)
        bench.equal(f'{what} of 100 MB: the code', answer.issue(), 'too-long')
    answer = upload(gateway, server, '/Basic', 100 * MEGABYTE, head, tail, is_chunked=True)
    refused(bench, 'a resource of 100 MB in chunks', answer, 413)
    packed = gzip.compress(head + b'x' * (100 * MEGABYTE) + tail)
    answer = server.send('POST', '/Basic', packed, headers={'content-encoding': 'gzip'})
    refused(bench, 'a resource of 100 MB in 100 KB of gzip', answer, 413)
    answer = server.send('POST', '/Basic', b'no gzip', headers={'content-encoding': 'gzip'})
    refused(bench, 'what is not gzip', answer, 400)
    answer = server.get('/Patient?name=' + 'x' * 100_000)
    bench.check('a URL of 100 KB', answer.status in (400, 413, 414, 431), answer)


def upload(gateway, server, path, size, head, tail, is_chunked=False):
    """Sends a body until the server has had enough, and reads what it says."""
    framing = 'transfer-encoding: chunked' if is_chunked else f'content-length: {len(head) + size + len(tail)}'
    lines = [f'POST {BASE}{path} HTTP/1.1', f'host: 127.0.0.1:{gateway.port}', f'authorization: Bearer {server.token}',
             'content-type: application/fhir+json', 'connection: close', framing, '', '']
    with socket.create_connection(('127.0.0.1', gateway.port), timeout=120) as connection:
        try:
            connection.sendall('\r\n'.join(lines).encode())
            for piece in [head, *[b'x' * MEGABYTE] * (size // MEGABYTE), tail]:
                connection.sendall(b'%x\r\n%s\r\n' % (len(piece), piece) if is_chunked else piece)
            connection.sendall(b'0\r\n\r\n' if is_chunked else b'')
        except OSError:
            pass  # it does not listen any more; what it said is still to be read
        received = b''
        try:
            while piece := connection.recv(65536):
                received += piece
        except OSError:
            pass
    head, _, body = received.partition(b'\r\n\r\n')
    status = int(head.split()[1]) if head else 0
    if b'transfer-encoding: chunked' in head.lower():
        body = body.partition(b'\r\n')[2].rpartition(b'\r\n0')[0]
    return FhirAnswer(status, {}, body)


def bodies(bench, server):
    nested = '{"url":"http://example.org/x","extension":[' * 500 + ']}' * 500
    deep = f'{{"resourceType":"Basic","code":{{"text":"x"}},"extension":[{nested}]}}'.encode()
    cases = [
        ('JSON 500 levels deep', deep, (400, 413)),
        ('100,000 brackets', b'[' * 100_000, (400,)),
        ('invalid UTF-8', b'{"resourceType":"Basic","code":{"text":"\xff\xfe"}}', (400,)),
        ('overlong UTF-8', b'{"resourceType":"Basic","code":{"text":"\xc0\xaf"}}', (400,)),
        ('half a surrogate', b'{"resourceType":"Basic","code":{"text":"\\ud800"}}', (400,)),
        ('NUL', b'{"resourceType":"Basic","code":{"text":"a\\u0000b"}}', (400,)),
        ('a key twice', b'{"resourceType":"Basic","code":{"text":"a"},"code":{"text":"b"}}', (400,)),
        ('an empty list', b'{"resourceType":"Basic","code":{"text":"a"},"identifier":[]}', (400,)),
        ('null', b'{"resourceType":"Basic","code":{"text":"a"},"subject":null}', (400,)),
        ('an unknown element', b'{"resourceType":"Basic","code":{"text":"a"},"colour":"red"}', (400,)),
        ('NaN', b'{"resourceType":"Observation","status":"final","code":{"text":"a"},"valueQuantity":{"value":NaN}}', (400,)),
        ('nothing', b'', (400,)),
        ('a list', b'[]', (400,)),
        ('an operation that nobody knows', b'{}', (400,)),
    ]
    for what, body, statuses in cases:
        refused(bench, what, server.send('POST', '/Basic', body), *statuses)
    refused(bench, 'a deep Bundle', server.send('POST', '', b'{"resourceType":"Bundle","type":"batch","entry":[{"resource":' + deep
            + b',"request":{"method":"POST","url":"Basic"}}]}'), 400, 413)


def queries(bench, server):
    chain = 'Patient.link:' * 20
    for what, query in (
            ('a chain of 20', f'/Patient?link:{chain}Patient.name=x'),
            ('20 reverse chains', '/Patient?' + '_has:Patient:link:' * 20 + 'name=x'),
            ('NUL in a value', '/Patient?name=a%00b'), ('NUL alone', '/Patient?name=%00'),
            ('NUL in a token', '/Patient?identifier=a%00%7Cb'), ('NUL in a name', '/Patient?na%00me=b'),
            ('invalid UTF-8 in a value', '/Patient?name=%ff%fe'),
            ('a negative _count', '/Patient?_count=-1'), ('a _count in words', '/Patient?_count=many'),
            ('an impossible date', '/Patient?birthdate=2023-02-30'), ('an unknown prefix', '/Patient?birthdate=xx2023'),
            ('an unknown modifier', '/Patient?name:nothing=a'), ('an unknown include', '/Patient?_include=Patient:nothing'),
            ('SQL for a number', "/RiskAssessment?probability=1'%20or%20'1'='1")):
        refused(bench, what, server.get(query), 400)
    for what, path in (('NUL in an id', '/Patient/%00'), ('a path out of the base', '/Patient/..%2f..%2fetc'),
                       ('a long id', '/Patient/' + 'a' * 65), ('invalid UTF-8 in an id', '/Patient/%ff')):
        refused(bench, what, server.get(path), 400, 404)
    for count in ('1e9', '1000000000', '99999999999999999999'):
        answer = server.get(f'/Patient?_count={count}')
        bench.check(f'_count={count}: all there are, or an error of the client', answer.status in (200, 400), answer)
    bench.equal('_count=1000000000 is cut to what one page may have', server.get('/Patient?_count=1000000000').status, 200)
    for text in ('(a+)+$', '.*', '^K', '[K]nown', 'Known%', '%', '_', 'K_own1', '*', 'Known\\', "Known'--", '${jndi:x}',
                 'K' + '%' * 2000):
        for name in ('name', 'name:contains', 'name:exact', 'identifier'):
            answer = server.get(f'/Patient?{form([(name, text)])}')
            bench.check(f'{name}={text[:20]} is text and finds nothing, or is refused',
                        answer.status == 400 or (answer.status == 200 and answer.json['total'] == '0'), answer)


def cursors(bench, server):
    first = server.get('/Patient?_count=5').json
    following = link(first, 'next').removeprefix(server.url)
    bench.equal('the next page as it was given', server.get(following).status, 200)
    where, _, cursor = following.partition('_cursor=')
    cursor, rest = cursor.partition('&')[0], cursor.partition('&')[2]
    faults = []
    for place in range(0, len(cursor), max(1, len(cursor) // 24)):
        for other in 'AzZ0':
            if cursor[place] != other:
                changed = cursor[:place] + other + cursor[place + 1:]
                answer = server.get(f'{where}_cursor={changed}{"&" + rest if rest else ""}')
                # The last character of base64 has bits that mean nothing.
                if answer.status not in (400, 404, 410) and place < len(cursor) - 1:
                    faults.append((place, answer.status))
    bench.check('a cursor that was changed is refused', cursor and not faults, (following, faults))
    for what, text in (('no cursor', ''), ('any text', 'abc'), ('half of it', cursor[:len(cursor) // 2]),
                       ('more than it', cursor + 'AAAA'), ('NUL', '%00')):
        refused(bench, f'for a cursor {what}', server.get(f'{where}_cursor={text}'), 400, 404, 410)
    other = following.replace('/Patient', '/Observation')
    refused(bench, 'the cursor of another type', server.get(other), 400, 404, 410)


def broken_transactions(bench, server):
    """A hundred good entries and a last one that cannot be done."""
    good = [{'fullUrl': f'urn:uuid:00000000-0000-4000-8000-{number:012}',
             'resource': {'resourceType': 'Patient', 'name': [{'family': 'Remains'}]},
             'request': {'method': 'POST', 'url': 'Patient'}} for number in range(100)]
    observation = {'resourceType': 'Observation', 'status': 'final', 'code': {'text': 'x'}}
    bad = {
        'lacks what is required': ({'resourceType': 'Observation', 'code': {'text': 'x'}}, 'POST', 'Observation'),
        'has a reference to nobody': (observation | {'subject': {'reference': 'Patient?identifier=nobody|1'}}, 'POST',
                                      'Observation'),
        'has a reference to many': (observation | {'subject': {'reference': 'Patient?birthdate=1970-01-01'}}, 'POST',
                                    'Observation'),
        'updates by criteria that mean many': ({'resourceType': 'Patient'}, 'PUT', 'Patient?birthdate=1970-01-01'),
        'has a type that nobody knows': ({'resourceType': 'Pacient'}, 'POST', 'Pacient'),
        'writes what is read-only': ({'resourceType': 'AuditEvent'}, 'POST', 'AuditEvent'),
        'patches what is not there': ({'resourceType': 'Parameters', 'parameter': [{'name': 'operation', 'part': [
            {'name': 'type', 'valueCode': 'delete'}, {'name': 'path', 'valueString': 'Patient.name'}]}]}, 'PATCH',
            'Patient/nobody'),
    }
    for what, (resource, method, url) in bad.items():
        last = {'resource': resource, 'request': {'method': method, 'url': url}}
        answer = server.send('POST', '', {'resourceType': 'Bundle', 'type': 'transaction', 'entry': [*good, last]})
        refused(bench, f'a transaction whose last entry {what}', answer, 400, 404, 405, 412, 422)
        bench.check(f'a transaction whose last entry {what}: it is named', b'entry[100]' in answer.body, answer)
    bench.equal('nothing of a transaction that failed is found', server.count('Patient', [('family', 'Remains')]), 0)
    history = [entry['resource'] for entry in server.get('/Patient/_history?_count=100').json['entry']]
    bench.check('nor in the history', all(one['name'][0]['family'] != 'Remains' for one in history))


def loops(bench, server):
    """Resources that refer to each other in a circle."""
    ring = ['ring-a', 'ring-b', 'ring-c']
    for number, name in enumerate(ring):
        after = ring[(number + 1) % len(ring)]
        body = {'resourceType': 'Organization', 'id': name, 'name': name,
                'partOf': {'reference': f'Organization/{after}'}}
        bench.equal(f'{name} is kept', server.send('PUT', f'/Organization/{name}', body).status, 201)
    for query in ('_include=Organization:partof&_include:iterate=Organization:partof',
                  '_revinclude=Organization:partof&_revinclude:iterate=Organization:partof',
                  '_include:iterate=Organization:partof&_revinclude:iterate=Organization:partof'):
        answer = server.get(f'/Organization?_id=ring-a&{query}')
        ids = [entry['resource']['id'] for entry in answer.json.get('entry', [])]
        bench.check(f'{query} ends, with each resource once', answer.status == 200 and sorted(ids) == ring, answer)
        bench.equal(f'{query}: total counts matches', answer.json['total'], '1')


def races(bench, gateway, server):
    """Twenty at the same time make the same, by If-None-Exist, by PUT with criteria, and in transactions."""
    def by_header(client, person):
        return client.send('POST', '/Patient', person, headers={'if-none-exist': 'identifier=urn:x|header'})

    def by_update(client, person):
        return client.send('PUT', f'/Patient?{form([("identifier", "urn:x|update")])}', person)

    def by_transaction(client, person):
        entry = {'resource': person, 'request': {'method': 'POST', 'url': 'Patient',
                                                 'ifNoneExist': 'identifier=urn:x|transaction'}}
        return client.send('POST', '', {'resourceType': 'Bundle', 'type': 'transaction', 'entry': [entry]})

    for name, make in (('header', by_header), ('update', by_update), ('transaction', by_transaction)):
        person = {'resourceType': 'Patient', 'identifier': [{'system': 'urn:x', 'value': name}]}
        answers, gate = [], threading.Barrier(20)

        def one(client, make=make, person=person, answers=answers, gate=gate):
            gate.wait()
            answers.append(make(client, person))

        clients = [Fhir(gateway) for _ in range(20)]
        for client in clients:
            client.token = server.token
        threads = [threading.Thread(target=one, args=(client,)) for client in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        statuses = sorted(answer.status for answer in answers)
        bench.check(f'20 at once by {name}: each has an answer', len(answers) == 20
                    and set(statuses) <= {200, 201, 409, 412, 503}, statuses)
        bench.check(f'20 at once by {name}: most succeed', sum(status < 300 for status in statuses) >= 15, statuses)
        found, answer = server.found('Patient', [('identifier', f'urn:x|{name}')])
        bench.equal(f'20 at once by {name}: one resource', found and len(found), 1)


def many_entries(bench, server):
    """As many entries as the configuration allows, and one more."""
    entry = {'resource': {'resourceType': 'Basic', 'code': {'text': 'many'}}, 'request': {'method': 'POST', 'url': 'Basic'}}
    entries = [entry] * (ENTRIES + 1)
    answer = server.send('POST', '', {'resourceType': 'Bundle', 'type': 'transaction', 'entry': entries})
    refused(bench, f'a transaction of {ENTRIES + 1} entries', answer, 413)
    bench.equal('nothing of it is there', server.count('Basic', []), 0)
    began = time.monotonic()
    answer = server.send('POST', '', {'resourceType': 'Bundle', 'type': 'transaction', 'entry': entries[1:]})
    bench.check(f'a transaction of {ENTRIES} entries is done ({time.monotonic() - began:.0f} s)', answer.status == 200,
                answer)
    bench.equal('all of it is there', server.count('Basic', [('code:text', quote('many'))]), ENTRIES)
