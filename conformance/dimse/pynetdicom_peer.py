"""pynetdicom: every valid file there and back, over the web on either side too, storage commitment, and units of wrong
shapes."""
import io
import socket
import struct
import sys
import threading

from pydicom.dataset import Dataset
from pydicom.uid import generate_uid
from pynetdicom import AE, build_role, evt
from pynetdicom.sop_class import (StorageCommitmentPushModel, StorageCommitmentPushModelInstance,
                                  StudyRootQueryRetrieveInformationModelFind,
                                  StudyRootQueryRetrieveInformationModelGet,
                                  StudyRootQueryRetrieveInformationModelMove, Verification)

import place
import process
import samples

sys.path.append(str(place.CONFORMANCE / 'dicomweb'))
import files as web  # noqa: E402

AS_STORED = {'Accept': 'multipart/related; type="application/dicom"; transfer-syntax=*'}


def run(bench):
    for number, files in enumerate(samples.rounds()):
        there_and_back(bench, number, files)
        from_the_web(bench, number, files)
    committed(bench)
    malformed(bench)


def there_and_back(bench, number, files):
    """C-STORE, then C-GET and C-MOVE: the data sets that come back are those that were sent."""
    port = process.free_port()
    gateway = bench.gateway(f'round-{number}', peer=[{'name': 'receiver', 'kind': 'dimse', 'host': '127.0.0.1',
                                                      'port': port, 'called_ae_title': 'RECEIVER'}]).start()
    kinds = {(header.SOPClassUID, header.file_meta.TransferSyntaxUID) for header in map(samples.header, files)}
    entity = AE(ae_title='WORKSTATION')
    for sop_class, syntax in kinds:
        entity.add_requested_context(sop_class, [syntax])
    sent = {}
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY',
                                   evt_handlers=[(evt.EVT_DIMSE_SENT, lambda event: note(event, sent))])
    bench.check(f'round {number}: associated', association.is_established)
    for path in files:
        status = association.send_c_store(path).get('Status')
        bench.check(f'{path.name} is stored', status in (0x0000, 0xB007), f'status {status}')
    association.release()

    api = gateway.api('integrator')
    got, moved = {}, {}
    studies = sorted({samples.header(path).StudyInstanceUID for path in files})
    receiver = AE(ae_title='RECEIVER')
    for sop_class, syntax in kinds:
        receiver.add_supported_context(sop_class, [syntax])
    server = receiver.start_server(('127.0.0.1', port), block=False,
                                   evt_handlers=[(evt.EVT_C_STORE, lambda event: keep(event, moved))])
    entity = AE(ae_title='WORKSTATION')
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelGet)
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
    roles = []
    for sop_class, syntax in kinds:
        entity.add_requested_context(sop_class, [syntax])
        roles.append(build_role(sop_class, scp_role=True))
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY', ext_neg=roles,
                                   evt_handlers=[(evt.EVT_C_STORE, lambda event: keep(event, got))])
    for study in studies:
        identifier = of_study(study)
        statuses = [status.get('Status') for status, _ in
                    association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet)]
        bench.equal(f'C-GET of {study[-12:]}', statuses[-1:], [0x0000])
        move(bench, association, identifier)
    association.release()
    server.shutdown()
    for path in files:
        uid = samples.header(path).SOPInstanceUID
        # pynetdicom leaves group lengths out, and deflates anew: what it sent is what has to come back.
        content = sent[uid]
        bench.check(f'{path.name} by C-GET, byte for byte', got.get(uid) == content)
        bench.check(f'{path.name} by C-MOVE, byte for byte', moved.get(uid) == content)
        over_the_web(bench, api, path, content)
    gateway.stop()


def over_the_web(bench, api, path, content):
    """What came by C-STORE leaves by WADO-RS."""
    header = samples.header(path)
    answer = api.get(web.path_of(header), AS_STORED)
    if bench.equal(f'{path.name} by WADO-RS', answer.status, 200) \
            and header.file_meta.TransferSyntaxUID not in (web.IMPLICIT, web.BIG_ENDIAN):  # may not go over the web
        (_, back), = web.parts(answer)
        bench.check(f'{path.name} by WADO-RS, byte for byte', web.data_set_bytes(back) == content)


def from_the_web(bench, number, files):
    """What came by STOW-RS leaves by C-MOVE."""
    port = process.free_port()
    gateway = bench.gateway(f'web-{number}', peer=[{'name': 'receiver', 'kind': 'dimse', 'host': '127.0.0.1',
                                                    'port': port, 'called_ae_title': 'RECEIVER'}]).start()
    api = gateway.api('integrator')
    for path in files:
        answer = web.stow(api, path.read_bytes())
        bench.check(f'{path.name} by STOW-RS', answer.status in (200, 202), answer)
    moved = {}
    receiver = AE(ae_title='RECEIVER')
    for header in map(samples.header, files):
        receiver.add_supported_context(header.SOPClassUID, [header.file_meta.TransferSyntaxUID])
    server = receiver.start_server(('127.0.0.1', port), block=False,
                                   evt_handlers=[(evt.EVT_C_STORE, lambda event: keep(event, moved))])
    entity = AE(ae_title='WORKSTATION')
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelMove)
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY')
    for study in sorted({samples.header(path).StudyInstanceUID for path in files}):
        move(bench, association, of_study(study))
    association.release()
    server.shutdown()
    for path in files:
        bench.check(f'{path.name}, by STOW-RS, by C-MOVE: the data set of the file, byte for byte',
                    moved.get(samples.header(path).SOPInstanceUID) == samples.data_set_bytes(path))
    gateway.stop()


def of_study(uid):
    identifier = Dataset()
    identifier.QueryRetrieveLevel, identifier.StudyInstanceUID = 'STUDY', uid
    return identifier


def move(bench, association, identifier):
    statuses = [status.get('Status') for status, _ in
                association.send_c_move(identifier, 'RECEIVER', StudyRootQueryRetrieveInformationModelMove)]
    bench.equal(f'C-MOVE of {identifier.StudyInstanceUID[-12:]}', statuses[-1:], [0x0000])


def note(event, sent):
    """Keeps the data set of a C-STORE request as it goes out."""
    uid = event.message.command_set.get('AffectedSOPInstanceUID')
    if uid and event.message.data_set is not None:
        sent[uid] = event.message.data_set.getvalue()


def keep(event, instances):
    instances[event.request.AffectedSOPInstanceUID] = event.request.DataSet.getvalue()
    return 0x0000


def committed(bench):
    """Storage commitment, told on the same association, and on one that the gateway opens."""
    port = process.free_port()
    gateway = bench.gateway('commitment', peer=[{'name': 'modality', 'kind': 'dimse', 'host': '127.0.0.1',
                                                 'port': port, 'called_ae_title': 'MODALITY'}]).start()
    path = samples.FILES / 'images' / 'CT_small.dcm'
    header = samples.header(path)
    heard, arrived = [], threading.Event()

    def report(event):
        heard.append((event.event_type, event.event_information))
        arrived.set()
        return 0x0000, None

    modality = AE(ae_title='MODALITY')
    modality.add_requested_context(header.SOPClassUID, [header.file_meta.TransferSyntaxUID])
    modality.add_requested_context(StorageCommitmentPushModel)
    modality.add_supported_context(StorageCommitmentPushModel, scu_role=True, scp_role=True)
    server = modality.start_server(('127.0.0.1', port), block=False, evt_handlers=[(evt.EVT_N_EVENT_REPORT, report)])
    for way in ('on the same association', 'on another association'):
        heard.clear()
        arrived.clear()
        handlers = [(evt.EVT_N_EVENT_REPORT, report)]
        association = modality.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY', evt_handlers=handlers)
        association.send_c_store(path)
        action = Dataset()
        action.TransactionUID = generate_uid()
        action.ReferencedSOPSequence = [Dataset(), Dataset()]
        for item, uid in zip(action.ReferencedSOPSequence, (header.SOPInstanceUID, '1.2.3.4')):
            item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = header.SOPClassUID, uid
        status, _ = association.send_n_action(action, 1, StorageCommitmentPushModel,
                                              StorageCommitmentPushModelInstance)
        bench.equal(f'commitment {way}: taken', status.get('Status'), 0x0000)
        if way.startswith('on another'):
            association.abort()
        bench.check(f'commitment {way}: told', arrived.wait(60))
        if heard:
            kind, information = heard[0]
            bench.equal(f'commitment {way}: one is not there', kind, 2)
            bench.equal(f'commitment {way}: transaction', information.TransactionUID, action.TransactionUID)
            bench.equal(f'commitment {way}: committed',
                        [item.ReferencedSOPInstanceUID for item in information.ReferencedSOPSequence],
                        [header.SOPInstanceUID])
            bench.equal(f'commitment {way}: failed',
                        [(item.ReferencedSOPInstanceUID, item.FailureReason) for item in information.FailedSOPSequence],
                        [('1.2.3.4', 0x0112)])
        if association.is_established:
            association.release()
    server.shutdown()
    gateway.stop()


def malformed(bench):
    """Bytes that are no DICOM, or none that may come: each is answered with an A-ABORT, and the next is served."""
    gateway = bench.gateway('malformed', dimse={'artim': '2s'}).start()
    wrong = {
        'HTTP': b'GET / HTTP/1.1\r\n\r\n',
        'a unit of a type that there is not': struct.pack('>BBL', 9, 0, 4) + b'\0' * 4,
        'data before an association': struct.pack('>BBL', 4, 0, 6) + struct.pack('>LBB', 2, 1, 3),
        'a request of 4 GiB': struct.pack('>BBL', 1, 0, 0xFFFFFFFF),
        'an empty request': struct.pack('>BBL', 1, 0, 0),
    }
    for name, content in wrong.items():
        with socket.create_connection(('127.0.0.1', gateway.dimse_port), 10) as connection:
            connection.sendall(content)
            answer = read_all(connection)
        bench.check(f'{name}: aborted', answer[:1] == b'\x07', answer)
    with socket.create_connection(('127.0.0.1', gateway.dimse_port), 10) as connection:
        bench.equal('silence: closed', read_all(connection), b'')
    entity = AE(ae_title='WORKSTATION')
    entity.add_requested_context(Verification)
    entity.add_requested_context(StudyRootQueryRetrieveInformationModelFind)
    association = entity.associate('127.0.0.1', gateway.dimse_port, ae_title='CAUSEWAY')
    bench.equal('an echo is answered', association.send_c_echo().get('Status'), 0x0000)
    identifier = Dataset()
    identifier.QueryRetrieveLevel = 'NOWHERE'
    statuses = [status.get('Status') for status, _ in
                association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind)]
    bench.equal('a query of no level is refused', statuses, [0xA900])
    association.release()
    gateway.stop()


def read_all(connection):
    """What comes until the other side closes."""
    connection.settimeout(15)
    content = io.BytesIO()
    while piece := connection.recv(4096):
        content.write(piece)
    return content.getvalue()
