"""Clients that go on while the gateway is killed again and again, and remember what was acknowledged to them."""
import queue
import threading
import time

import process
from api import Unreachable


class Clients:
    """Threads that carry orders out. An order is asked for until it is acknowledged; only so many may begin as
    `allow` has let in."""

    def __init__(self, reports, orders, threads=4):
        self.reports = reports
        self.acknowledged = {}   # order -> the answer's JSON
        self.surprises = []      # answers that should not have come
        self.progress = {}       # export id -> the highest progress that was seen
        self._orders = queue.SimpleQueue()
        for order in orders:
            self._orders.put(order)
        self._allowed = threading.Semaphore(0)
        self._ended = threading.Event()
        work = [threading.Thread(target=self._carry_out, daemon=True) for _ in range(threads)]
        self._threads = [*work, threading.Thread(target=self._watch, daemon=True)]
        for thread in self._threads:
            thread.start()

    def allow(self, count):
        self._allowed.release(count)

    def wait_for(self, count, seconds=120):
        process.wait_until(lambda: len(self.acknowledged) >= count, seconds, f'{count} acknowledged orders')

    def end(self):
        self._ended.set()
        self._allowed.release(len(self._threads))
        for thread in self._threads:
            thread.join()

    def _carry_out(self):
        while True:
            self._allowed.acquire()
            if self._ended.is_set():
                return
            order = self._orders.get()
            while not self._ended.is_set() and order not in self.acknowledged:
                self._ask(order)

    def _ask(self, order):
        report_id, kind, detail = order
        try:
            if kind == 'export':
                answer = self.reports.export(report_id, detail)
            else:
                answer = self.reports.deliver(report_id, [detail], ['dicom-sr', 'dicom-pdf'])
        except Unreachable:
            time.sleep(0.02)
            return
        if answer.status == 202:
            self.acknowledged[order] = answer.json
        elif answer.status == 503:  # it is starting or stopping
            time.sleep(0.02)
        else:
            self.surprises.append(f'{order}: {answer}')
            self.acknowledged[order] = {}

    def _watch(self):
        """Reads the status of exports all the time: progress never goes back, not even over a crash."""
        while not self._ended.is_set():
            for answer in [answer for answer in list(self.acknowledged.values()) if 'exportId' in answer]:
                self._look_at(answer['exportId'])
            time.sleep(0.05)

    def _look_at(self, export_id):
        try:
            answer = self.reports.status(export_id)
        except Unreachable:
            return
        if answer.status == 503:
            return
        if answer.status != 200:
            self.surprises.append(f'status of {export_id}: {answer}')
            return
        progress, before = answer.json['progress'], self.progress.get(export_id, 0)
        if progress < before:
            self.surprises.append(f'progress of {export_id} went from {before} to {progress}')
        self.progress[export_id] = progress
