"""Chromium without a window, led over its debugging pipe: pages are opened and looked at, and what they complain
about is kept."""
import base64
import contextlib
import json
import os
import subprocess
import sys
import threading

import place
import process

# Drawn by the processor: there need be no graphics card.
FLAGS = ['--headless=new', '--no-first-run', '--no-default-browser-check', '--disable-background-networking',
         '--disable-component-update', '--disable-extensions', '--disable-sync', '--disable-dev-shm-usage',
         '--no-proxy-server', '--use-angle=swiftshader', '--enable-unsafe-swiftshader', '--ignore-gpu-blocklist',
         '--hide-scrollbars', '--remote-debugging-pipe']
WIDTH, HEIGHT = 1280, 800
# The browser reads from descriptor 3 and writes to 4; either may stand for something else before.
STARTER = '''import fcntl, os, sys
ends = [fcntl.fcntl(int(number), fcntl.F_DUPFD, 5) for number in sys.argv[1:3]]
for target, end in enumerate(ends, 3):
    os.dup2(end, target)
os.execv(sys.argv[3], sys.argv[3:])
'''


class PageError(Exception):
    """An expression threw in the page."""


class Browser:
    """A browser with one page; use it in a `with` block."""

    def __init__(self, directory):
        self.directory = directory
        self.complaints = []  # texts: console errors, exceptions, requests without an answer
        self.answers = []  # (method, status, URL) of every request
        self._asked = {}
        self._results = {}
        self._number = 0
        self._news = threading.Condition()

    def __enter__(self):
        self.directory.mkdir(parents=True, exist_ok=True)
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        flags = [*FLAGS, f'--user-data-dir={self.directory / "profile"}', f'--window-size={WIDTH},{HEIGHT}']
        if os.geteuid() == 0:
            flags.append('--no-sandbox')  # the sandbox does not run as root
        command = [sys.executable, '-c', STARTER, to_browser, from_browser, place.program('chromium'), *flags]
        with open(self.directory / 'chromium.log', 'ab') as log:
            self._process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=log,
                                             stderr=log, pass_fds=(to_browser, from_browser), start_new_session=True)
        os.close(to_browser)
        os.close(from_browser)
        threading.Thread(target=self._listen, daemon=True).start()
        target = self._call('Target.createTarget', {'url': 'about:blank'}, None)
        attached = self._call('Target.attachToTarget', {'targetId': target['targetId'], 'flatten': True}, None)
        self._session = attached['sessionId']
        for domain in ('Page', 'Runtime', 'Network', 'Log'):
            self._call(f'{domain}.enable')
        return self

    def __exit__(self, *_error):
        with contextlib.suppress(RuntimeError, OSError, process.NotReady):
            self._call('Browser.close', {}, None)
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        os.close(self._out)

    def open(self, url):
        self._call('Page.navigate', {'url': url})

    def evaluate(self, expression):
        """The value of a JavaScript expression in the page; a promise is waited for."""
        answer = self._call('Runtime.evaluate', {'expression': expression, 'awaitPromise': True, 'returnByValue': True})
        if 'exceptionDetails' in answer:
            raise PageError(_told(answer['exceptionDetails']))
        return answer['result'].get('value')

    def wait_for(self, expression, seconds, what):
        """Asks the page until the expression is true, and gives its value; what throws is not yet there."""
        def asked():
            with contextlib.suppress(PageError):
                return self.evaluate(expression)
        return process.wait_until(asked, seconds, what, 0.2)

    def mouse(self, kind, x, y, **more):
        self._call('Input.dispatchMouseEvent', {'type': kind, 'x': x, 'y': y, **more})

    def click(self, x, y, count=1):
        """Clicks as a hand does, `count` times in a row."""
        self.mouse('mouseMoved', x, y)
        for number in range(1, count + 1):
            for kind in ('mousePressed', 'mouseReleased'):
                self.mouse(kind, x, y, button='left', clickCount=number)

    def screenshot(self, path):
        taken = self._call('Page.captureScreenshot', {'format': 'png'})
        path.write_bytes(base64.b64decode(taken['data']))
        return path

    def _call(self, method, parameters=None, session=''):
        with self._news:
            self._number += 1
            number = self._number
        message = {'id': number, 'method': method, 'params': parameters or {}}
        if session is not None:
            message['sessionId'] = self._session
        os.write(self._out, json.dumps(message).encode() + b'\0')
        with self._news:
            if not self._news.wait_for(lambda: number in self._results or None in self._results, 60):
                raise process.NotReady(f'{method} was not answered')
            answer = self._results.pop(number, None)
        if answer is None:
            said = (self.directory / 'chromium.log').read_text(errors='replace')
            raise RuntimeError(f'the browser is gone; it said:\n{said[-2000:]}')
        if 'error' in answer:
            raise RuntimeError(f'{method}: {answer["error"]["message"]}')
        return answer['result']

    def _listen(self):
        with open(self._in, 'rb') as pipe:
            rest = b''
            while chunk := pipe.read1(1 << 20):
                *messages, rest = (rest + chunk).split(b'\0')
                for text in messages:
                    message = json.loads(text)
                    with self._news:
                        if 'id' in message:
                            self._results[message['id']] = message
                        else:
                            self._note(message['method'], message['params'])
                        self._news.notify_all()
        with self._news:
            self._results[None] = None
            self._news.notify_all()

    def _note(self, event, told):
        match event:
            case 'Network.requestWillBeSent':
                request = told['request']
                self._asked[told['requestId']] = (request['method'], request['url'])
            case 'Network.responseReceived':
                method, url = self._asked.get(told['requestId'], ('?', told['response']['url']))
                self.answers.append((method, told['response']['status'], url))
            case 'Network.loadingFailed' if not told.get('canceled'):
                method, url = self._asked.get(told['requestId'], ('?', '?'))
                cors = told.get('corsErrorStatus', {}).get('corsError', '')
                self.complaints.append(f'{method} {url}: {told.get("errorText", "")} {cors}'.strip())
            case 'Runtime.exceptionThrown':
                self.complaints.append(_told(told['exceptionDetails']))
            case 'Runtime.consoleAPICalled' if told['type'] in ('error', 'assert'):
                self.complaints.append(' '.join(str(part.get('value', part.get('description', part['type'])))
                                                for part in told['args']))
            case 'Log.entryAdded' if told['entry']['level'] == 'error':
                self.complaints.append(f'{told["entry"]["text"]} {told["entry"].get("url", "")}'.strip())


def _told(details):
    return details.get('exception', {}).get('description') or details.get('text', 'exception')
