"""Senders by C-STORE and STOW-RS that go on side by side, and remember what was acknowledged to them."""
import io
import queue
import threading

import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, SecondaryCaptureImageStorage
from pynetdicom import AE

from api import Unreachable

BY_STORE, BY_STOW, PARTS = 3, 2, 6
STORED = (0x0000, 0xB007)


class Study:
    """A study with an instance for each number of rows, and what became of each of them."""

    def __init__(self, number, sizes, rng):
        self.uid, self.series = f'1.2.826.0.1.3680043.10.999.{number + 1}', f'1.2.826.0.1.3680043.10.999.{number + 1}.1'
        self.sent = {f'{self.series}.{place + 1}': self._instance(place + 1, rows, rng) for place, rows in enumerate(sizes)}
        self.acknowledged = {}

    def _instance(self, number, rows, rng):
        made = Dataset()
        made.SpecificCharacterSet = 'ISO_IR 192'
        made.SOPClassUID, made.SOPInstanceUID = SecondaryCaptureImageStorage, f'{self.series}.{number}'
        made.StudyInstanceUID, made.SeriesInstanceUID = self.uid, self.series
        made.PatientName, made.PatientID, made.Modality = 'Crash^Test', 'CRASH', 'OT'
        made.StudyDate, made.SeriesNumber, made.InstanceNumber = '20260102', 1, number
        made.Rows = made.Columns = rows
        made.SamplesPerPixel, made.BitsAllocated, made.BitsStored, made.HighBit = 1, 8, 8, 7
        made.PhotometricInterpretation, made.PixelRepresentation = 'MONOCHROME2', 0
        made.add_new('PixelData', 'OB', rng.randbytes(rows * rows))
        made.file_meta = FileMetaDataset()
        made.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        made.file_meta.MediaStorageSOPClassUID = made.SOPClassUID
        made.file_meta.MediaStorageSOPInstanceUID = made.SOPInstanceUID
        return made

    def missing(self):
        return sorted(set(self.sent) - set(self.acknowledged))

    def is_acknowledged(self):
        return not self.missing()


class Storers:
    """Threads that send what of a study is not acknowledged; each ends when nothing is left or nobody answers."""

    def __init__(self, gateway, web):
        self.gateway, self.web = gateway, web
        self.surprises = []
        self._threads = []

    def begin(self, study):
        waiting = queue.SimpleQueue()
        for uid in study.missing():
            waiting.put(uid)
        work = [self._store] * BY_STORE + [self._stow] * BY_STOW
        self._threads = [threading.Thread(target=one, args=(study, waiting), daemon=True) for one in work]
        for thread in self._threads:
            thread.start()

    def are_idle(self):
        return not any(thread.is_alive() for thread in self._threads)

    def end(self):
        for thread in self._threads:
            thread.join(120)

    def _store(self, study, waiting):
        entity = AE(ae_title='MODALITY')
        entity.add_requested_context(SecondaryCaptureImageStorage, [ExplicitVRLittleEndian])
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = 30
        association = entity.associate('127.0.0.1', self.gateway.dimse_port, ae_title='CAUSEWAY')
        while association.is_established and (uid := taken(waiting)):
            try:
                status = association.send_c_store(study.sent[uid]).get('Status')
            except RuntimeError:  # the association is gone
                return
            if status in STORED:
                study.acknowledged[uid] = 'C-STORE'
            elif status is not None:
                self.surprises.append(f'C-STORE of {uid}: {status:04X}')
        if association.is_established:
            association.release()

    def _stow(self, study, waiting):
        while uids := [uid for uid in (taken(waiting) for _ in range(PARTS)) if uid]:
            body = b''.join(b'--cut\r\nContent-Type: application/dicom\r\n\r\n' + file(study.sent[uid]) + b'\r\n' for uid in uids)
            form = 'multipart/related; type="application/dicom"; boundary=cut'
            try:
                answer = self.web.post('/dicom-web/studies', body + b'--cut--\r\n',
                                       {'Content-Type': form, 'Accept': 'application/dicom+json'})
            except Unreachable:
                return
            if answer.status not in (200, 202):
                if answer.status != 503:
                    self.surprises.append(f'STOW-RS: {answer}')
                return
            for row in answer.json.get('00081199', {}).get('Value', []):
                study.acknowledged[row['00081155']['Value'][0]] = 'STOW-RS'
            if '00081198' in answer.json:
                self.surprises.append(f'STOW-RS: {answer}')


def taken(waiting):
    try:
        return waiting.get_nowait()
    except queue.Empty:
        return None


def file(data_set):
    out = io.BytesIO()
    pydicom.dcmwrite(out, data_set, enforce_file_format=True)
    return out.getvalue()
