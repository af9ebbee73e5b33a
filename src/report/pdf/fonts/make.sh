#!/bin/sh
# Makes the font files of this directory from Debian's packages (see README.md): hinting, glyph names
# and tables that neither shaping nor PDF needs are taken out; outlines, metrics, character maps and
# layout rules stay as they are. Needs fonttools 4.68.0.
set -eu
cd "$(dirname "$0")"
noto=${NOTO:-/usr/share/fonts/truetype/noto}
droid=${DROID:-/usr/share/fonts-droid-fallback/truetype/DroidSansFallback.ttf}
droid_full=${DROID_FULL:-/usr/share/fonts/truetype/droid/DroidSansFallbackFull.ttf}
dejavu=${DEJAVU:-/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf}

slim() {
    pyftsubset "$1" --output-file="$2" --unicodes="$3" --glyphs='' \
        --layout-features='*' --layout-scripts='*' --no-hinting --notdef-outline --no-glyph-names \
        --no-legacy-kern --no-prune-unicode-ranges --no-recalc-timestamp --name-IDs='*' --name-languages='*' \
        --drop-tables+=DSIG,gasp,kern,hdmx,VDMX,LTSH,FFTM,PfEd,STAT,MATH,vhea,vmtx,VORG,BASE,JSTF,fpgm,prep,cvt
}

for name in Sans-Regular Sans-Bold NaskhArabic-Regular NaskhArabic-Bold SansHebrew-Regular SansHebrew-Bold \
    SansDevanagari-Regular SansDevanagari-Bold SansThai-Regular SansThai-Bold SansBengali-Regular \
    SansTamil-Regular SansGujarati-Regular SansGurmukhi-Regular SansTelugu-Regular SansKannada-Regular \
    SansMalayalam-Regular SansSinhala-Regular SansKhmer-Regular SansLao-Regular SansMyanmar-Regular \
    SansEthiopic-Regular SansArmenian-Regular SansGeorgian-Regular; do
    slim "$noto/Noto$name.ttf" "Noto$name.ttf" '*'
done
slim "$dejavu" DejaVuSansSymbols.ttf 'U+2000-2BFF,U+FFFC,U+FFFD'
slim "$droid" DroidSansFallback.ttf '*'
slim "$droid_full" DroidSansFallbackExtA.ttf 'U+3400-4DB5'
sha256sum ./*.ttf
