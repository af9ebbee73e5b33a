"""The OHIF viewer, as it is published, opens a CT study, a structured report and an encapsulated PDF from our
DICOMweb. It runs in Chromium, comes from another origin than ours, and has a token; what it drew is compared with
what pydicom reads, and pictures of it are kept to be looked at."""
import contextlib
import io
import json
from urllib.parse import quote

import numpy as np
import pydicom
from pydicom.uid import generate_uid

import browser
import place
import process
import webpages
from bench import read_report

OHIF = '@ohif/app@3.13.2'
PICTURES = place.WORK / 'screenshots'
IMAGES = place.TOP / 'fixtures' / 'dicom' / 'images'
# Images of other kinds, each a series of the study: the modality by which it is found, and its file.
OTHERS = {'MR': 'MR_small_jp2klossless.dcm', 'OT': 'SC_rgb_jpeg_dcmtk.dcm', 'PT': 'MR_small_RLE.dcm',
          'NM': 'emri_small.dcm'}
CT = IMAGES / 'CT_small.dcm'
SLICES = 12
GRID = 24
SECONDS = 60


def run(bench):
    PICTURES.mkdir(parents=True, exist_ok=True)
    pages = {}
    with webpages.serve(place.npm_files(OHIF, 'dist'), pages) as origin:
        gateway = bench.gateway(http={'allowed_origins': [origin]}).start()
        api = gateway.api('integrator')
        pages['/app-config.js'] = configuration(gateway.url, api.token)
        slices = ct_series()
        study = slices[0].StudyInstanceUID
        report, documents = reported(bench)
        stored = [api.send('POST', '/dicom-web/studies', content, {'content-type': 'application/dicom'}).status
                  for content in [*map(encoded, [*slices, *others(slices[0])]), *documents]]
        bench.equal('the instances are stored', set(stored), {200})
        report_study = pydicom.dcmread(io.BytesIO(documents[0])).StudyInstanceUID
        with browser.Browser(bench.directory / 'chromium') as chromium:
            viewer = Viewer(bench, chromium, origin, gateway.url)
            try:
                viewer.lists(slices[0])
                viewer.shows_images(study, slices)
                viewer.shows_documents(report_study, report)
            finally:
                viewer.picture('at-the-end')
                viewer.is_content()
        without_token(bench, origin, gateway.url, pages)


class Viewer:
    """OHIF in a browser."""

    def __init__(self, bench, chromium, origin, ours):
        self.bench, self.page, self.origin, self.ours = bench, chromium, origin, ours

    def picture(self, name):
        self.page.screenshot(PICTURES / f'ohif-{name}.png')

    def lists(self, first):
        self.page.open(f'{self.origin}/')
        self.page.wait_for('document.body.innerText.includes("1-2 of 2")', SECONDS, 'the list of both studies')
        text = self.page.evaluate('document.body.innerText')
        shown = [str(first.PatientName).replace('^', ', '), first.StudyDescription, 'CT', str(SLICES + len(OTHERS))]
        self.bench.check('the list has patient, description, modalities and count of instances',
                         all(part in text for part in shown), text)
        self.picture('studies')
        self.search(first)

    def search(self, first):
        """The list with a filter, as it is in the address of the page."""
        wanted = quote(str(first.PatientName)[:6])
        self.page.open(f'{self.origin}/?patientname={wanted}&modalities=CT&startdate=19900101&enddate=20301231')
        self.page.wait_for('document.body.innerText.includes("1-1 of 1")', SECONDS, 'the filtered list')
        self.bench.check('the list is filtered by name, modality and dates', True)

    def shows_images(self, study, slices):
        self.page.open(f'{self.origin}/viewer?StudyInstanceUIDs={study}')
        self.page.wait_for(f'({DRAWN}) > 20', SECONDS, 'the first slice to be drawn')
        self.page.wait_for('document.querySelectorAll(\'[data-cy="study-browser-thumbnail"] img\').length >= 2', SECONDS,
                           'the thumbnails')
        self.page.evaluate('[...document.querySelectorAll("button")].find(one => one.innerText === "Skip all").click()')
        self.same_pixels('the first slice', slices[0])
        self.picture('ct-first')
        x, y = self.page.evaluate(CENTRE)
        for _ in range(SLICES - 1):
            self.page.mouse('mouseWheel', x, y, deltaX=0, deltaY=100)
            self.page.evaluate('new Promise(done => setTimeout(done, 150))')
        last = f'{SLICES}/{SLICES}'
        self.page.wait_for(f'{PANE}.innerText.includes("{last}")', SECONDS,
                           'the last slice')
        self.page.evaluate('new Promise(done => setTimeout(done, 500))')
        self.same_pixels('the last slice', slices[-1])
        self.picture('ct-last')
        for modality, name in OTHERS.items():
            self.open_series(modality)
            self.page.wait_for(f'{PANE}.innerText.includes("1/")', SECONDS, name)
            self.same_pixels(name, pydicom.dcmread(IMAGES / name))
            self.picture(name.partition('.')[0])

    def shows_documents(self, study, report):
        self.page.open(f'{self.origin}/viewer?StudyInstanceUIDs={study}')
        self.open_series('SR')
        text = f'{PANE}.innerText'
        words = max(report['sections'].values(), key=len).split()[:4]
        self.page.wait_for(f'{text}.includes({json.dumps(" ".join(words))})', SECONDS, 'the structured report')
        self.bench.check('the structured report says what the report says', True)
        self.picture('sr')
        self.open_series('DOC')
        self.page.wait_for('document.querySelector(\'object[type="application/pdf"]\')?.data?.startsWith("blob:")',
                           SECONDS, 'the PDF')
        begins = self.page.evaluate('fetch(document.querySelector(\'object[type="application/pdf"]\').data)'
                                    '.then(got => got.text()).then(text => text.slice(0, 5))')
        self.bench.equal('the encapsulated PDF is a PDF', begins, '%PDF-')
        self.page.evaluate('new Promise(done => setTimeout(done, 3000))')
        self.picture('pdf')

    def open_series(self, modality):
        """Double-clicks the thumbnail of the first series of this modality."""
        thumbnail = (f'[...document.querySelectorAll(\'[data-cy^="study-browser-thumbnail"]\')].find(one => '
                     f'one.innerText.split(/\\s+/).includes("{modality}"))')
        self.page.wait_for(thumbnail + ' !== undefined', SECONDS, f'a thumbnail of {modality}')
        x, y = self.page.evaluate(f'(box => [box.x + box.width / 2, box.y + box.height / 2])'
                                  f'(({thumbnail}).getBoundingClientRect())')
        self.page.click(x, y, count=2)

    def same_pixels(self, what, dataset):
        """What is on the canvas goes up and down where the pixels of the file do."""
        pixels = dataset.pixel_array.astype(float)
        if int(dataset.get('NumberOfFrames', 1)) > 1:
            pixels = pixels[0]
        if dataset.SamplesPerPixel == 3:
            pixels = pixels[..., 0]
        places = ((np.arange(GRID) + 0.5) / GRID * pixels.shape[0]).astype(int)
        wanted = ranks(pixels[np.ix_(places, places)].reshape(-1))
        likeness = [0]

        def alike():
            # The window of the viewer clips: only the order of values is compared.
            try:
                drawn = ranks(self.page.evaluate(SAMPLED))
            except browser.PageError:  # the viewer is laying its page out anew
                return False
            likeness.append(np.corrcoef(drawn, wanted)[0, 1])
            return likeness[-1] > 0.9
        with contextlib.suppress(process.NotReady):
            process.wait_until(alike, 20, what, 0.2)
        self.bench.check(f'{what} is drawn as pydicom reads it', likeness[-1] > 0.9, f'rank correlations {likeness}')

    def is_content(self):
        """Nothing that it asked of us failed, and the browser complained of nothing."""
        to_us = [answer for answer in self.page.answers if answer[2].startswith(self.ours)]
        self.bench.check('it asked for metadata, frames and bulk data', all(
            any(part in url for _, _, url in to_us) for part in ('/metadata', '/frames/', '/bulkdata/')), to_us)
        refused = [answer for answer in to_us if answer[1] >= 400]
        self.bench.equal('none of its requests to us was refused', refused, [])
        self.bench.equal('the browser complains of nothing', self.page.complaints, [])


def without_token(bench, origin, ours, pages):
    """Without a token the same pages show nothing."""
    pages['/app-config.js'] = configuration(ours, None)
    with browser.Browser(bench.directory / 'stranger') as chromium:
        chromium.open(f'{origin}/')
        asked = 'performance.getEntriesByType("resource").some(one => one.name.includes("/dicom-web/studies?"))'
        chromium.wait_for(asked, SECONDS, 'the request without a token')
        seen = [status for method, status, url in chromium.answers if url.startswith(ours) and method == 'GET']
        bench.check('without a token the list is refused', seen and set(seen) == {401}, chromium.answers)


def configuration(ours, token):
    """OHIF's own configuration file: where DICOMweb is, and how it gets a token."""
    source = {'namespace': '@ohif/extension-default.dataSourcesModule.dicomweb', 'sourceName': 'causeway',
              'configuration': {
                  'friendlyName': 'Causeway', 'name': 'causeway', 'qidoRoot': f'{ours}/dicom-web',
                  'wadoRoot': f'{ours}/dicom-web', 'wadoUriRoot': f'{ours}/wado', 'qidoSupportsIncludeField': True,
                  'imageRendering': 'wadors', 'thumbnailRendering': 'wadors', 'enableStudyLazyLoad': True,
                  'supportsFuzzyMatching': True, 'supportsWildcard': True, 'supportsReject': False,
                  'bulkDataURI': {'enabled': True}}}
    config = {'routerBasename': '/', 'modes': [], 'showStudyList': True, 'maxNumberOfWebWorkers': 2,
              'showWarningMessageForCrossOrigin': False, 'showCPUFallbackMessage': False,
              'defaultDataSourceName': 'causeway', 'dataSources': [source], 'investigationalUseDialog': {'option': 'never'}}
    header = {'Authorization': f'Bearer {token}'} if token else {}
    return f'''window.config = {json.dumps(config)};
window.config.extensions = [{{
  id: 'token',
  preRegistration: ({{ servicesManager }}) => servicesManager.services.userAuthenticationService
    .setServiceImplementation({{ getAuthorizationHeader: () => ({json.dumps(header)}) }}),
}}];
'''


def ct_series():
    """A series of slices: the one CT image that there is, each time turned another way and further down."""
    study, series, frame = generate_uid(), generate_uid(), generate_uid()
    slices = []
    for number in range(SLICES):
        dataset = pydicom.dcmread(CT)
        pixels = np.roll(dataset.pixel_array, number * 5, axis=1)
        dataset.PixelData = pixels.astype('<i2').tobytes()
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.FrameOfReferenceUID = study, series, frame
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        dataset.PatientName, dataset.PatientID, dataset.StudyDescription = 'Viewer^Ada', 'V-1', 'Thorax for a viewer'
        dataset.InstanceNumber = number + 1
        dataset.ImageOrientationPatient, dataset.SliceThickness = [1, 0, 0, 0, 1, 0], '5'
        dataset.ImagePositionPatient = [-100, -100, -number * 5]  # the viewer begins at the head
        dataset.SliceLocation = -number * 5
        slices.append(dataset)
    return slices


def others(first):
    """The images of OTHERS as series of the study."""
    for number, (modality, name) in enumerate(OTHERS.items(), 2):
        dataset = pydicom.dcmread(IMAGES / name)
        dataset.StudyInstanceUID, dataset.SeriesInstanceUID = first.StudyInstanceUID, generate_uid()
        dataset.SOPInstanceUID = dataset.file_meta.MediaStorageSOPInstanceUID = generate_uid()
        for keyword in ('PatientName', 'PatientID', 'StudyDescription', 'StudyDate', 'StudyTime', 'AccessionNumber',
                        'StudyID'):
            setattr(dataset, keyword, getattr(first, keyword))
        dataset.SeriesNumber, dataset.Modality = number, modality
        yield dataset


def reported(bench):
    """A report of our own as SR and as encapsulated PDF. Measurements the viewer shows on the images that they were
    taken in, and as nothing where there are none, so it is one without."""
    source = next(path for path in bench.seed(20, 7) if (report := read_report(path)).get('sections')
                  and not report.get('measurements'))
    files = []
    for form in ('sr', 'dicom-pdf'):
        path = bench.directory / f'report.{form}.dcm'
        bench.causeway('report', 'render', source, '--format', form, '--out', path)
        files.append(path.read_bytes())
    return read_report(source), files


def ranks(values):
    """The place of each value in the order of all."""
    return np.argsort(np.argsort(np.array(values, dtype=float)))


def encoded(dataset):
    out = io.BytesIO()
    dataset.save_as(out)
    return out.getvalue()


PANE = 'document.querySelector(\'[data-cy="viewport-pane"]\')'
# How many greys are on the canvas, where it is, and its values on a grid over the largest square in its middle.
CANVAS = 'document.querySelector("canvas.cornerstone-canvas")'
DRAWN = f'''(canvas => {{
  if (!canvas || !canvas.width) return 0;
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const greys = new Set();
  for (let at = 0; at < data.length; at += 4) greys.add(data[at]);
  return greys.size;
}})({CANVAS})'''
CENTRE = f'(box => [box.x + box.width / 2, box.y + box.height / 2])({CANVAS}.getBoundingClientRect())'
SAMPLED = f'''(canvas => {{
  const side = Math.min(canvas.width, canvas.height);
  const left = (canvas.width - side) / 2, top = (canvas.height - side) / 2;
  const context = canvas.getContext("2d");
  const values = [];
  for (let row = 0; row < {GRID}; row++)
    for (let column = 0; column < {GRID}; column++)
      values.push(context.getImageData(left + (column + 0.5) / {GRID} * side, top + (row + 0.5) / {GRID} * side, 1, 1)
        .data[0]);
  return values;
}})({CANVAS})'''
