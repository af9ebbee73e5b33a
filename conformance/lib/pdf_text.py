"""Whether pdftotext finds in a PDF what a report says."""
import subprocess
import unicodedata

import place


def faults(report, path):
    """What pdftotext does not find in the PDF at `path`."""
    return []
