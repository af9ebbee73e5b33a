"""What a reporting system does through the HTTP API, step by step."""
import process
from api import Unreachable

ENDED = ('completed', 'failed')


class Reports:
    """Reports through one client."""

    def __init__(self, client):
        self.client = client

    def create(self, report):
        return self.client.post('/api/reports', report)

    def get(self, report_id):
        return self.client.get(f'/api/reports/{report_id}')

    def act(self, report_id, action, etag=None, body=None):
        """finalize, amend, cancel or enter-in-error."""
        headers = {'if-match': etag} if etag else {}
        return self.client.post(f'/api/reports/{report_id}/{action}', body, headers)

    def export(self, report_id, form, **body):
        return self.client.post(f'/api/reports/{report_id}/export/{form}', body or None)

    def status(self, export_id):
        return self.client.get(f'/api/reports/export/status/{export_id}')

    def wait_for_export(self, export_id, seconds=60):
        """The status of an export that has ended; while the gateway is away it is asked again."""
        def ended():
            try:
                answer = self.status(export_id)
            except Unreachable:
                return None
            return answer if answer.status == 200 and answer.json['status'] in ENDED else None
        return process.wait_until(ended, seconds, f'export {export_id} to end', 0.1).json

    def download(self, export_id, headers=None):
        return self.client.get(f'/api/reports/export/download/{export_id}', headers)

    def deliver(self, report_id, peers, formats):
        return self.client.post(f'/api/reports/{report_id}/deliver', {'peers': peers, 'formats': formats})

    def deliveries(self, report_id):
        answer = self.client.get(f'/api/reports/{report_id}/deliveries', limit=100)
        if answer.status != 200:
            raise RuntimeError(f'deliveries: {answer}')
        return rows(answer.json)

    def wait_for_deliveries(self, report_id, condition, seconds=60):
        """The deliveries of a report as soon as `condition` holds for each of them, and there is one."""
        def settled():
            found = self.deliveries(report_id)
            return found if found and all(condition(delivery) for delivery in found) else None
        return process.wait_until(settled, seconds, f'deliveries of {report_id}', 0.2)


def rows(page):
    """The rows of a page of a list."""
    return page['items']
