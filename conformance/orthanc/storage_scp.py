"""A storage SCP (pynetdicom) that answers what it is told to, by modality."""
from pynetdicom import AE, AllStoragePresentationContexts, evt


class StorageScp:
    """Answers C-STORE with `statuses[modality]`, as some archive would that does not like an instance."""

    def __init__(self, statuses):
        self.statuses = statuses
        self.server = None

    @property
    def port(self):
        return self.server.socket.getsockname()[1]

    def __enter__(self):
        entity = AE(ae_title='PICKY')
        entity.supported_contexts = AllStoragePresentationContexts
        self.server = entity.start_server(('127.0.0.1', 0), block=False, evt_handlers=[(evt.EVT_C_STORE, self.store)])
        return self

    def store(self, event):
        return self.statuses[event.dataset.Modality]

    def __exit__(self, *_error):
        self.server.shutdown()
