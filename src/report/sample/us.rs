//! Ultrasound: abdomen and thyroid.

use super::protocol::{Lesion, Protocol, Spread, Survey, coded, left, place, plain, right};
use super::terms::{
    ABDOMEN, AREA, CYST, DEPTH, DIAMETER, ELLIPSOID, FATTY_LIVER, GALLBLADDER, HYDRONEPHROSIS, KIDNEY, LENGTH, LIVER,
    LONG_AXIS, SHORT_AXIS, SPLEEN, THYROID, THYROID_LEFT, THYROID_NODULE, THYROID_RIGHT, VOLUME, WIDTH,
};

const US_IMAGE: &str = "1.2.840.10008.5.1.4.1.1.6.1";
const US_LOOP: &str = "1.2.840.10008.5.1.4.1.1.3.1";

pub(super) const ABDOMEN_PROTOCOL: Protocol = Protocol {
    modality: "US",
    sop_class: US_IMAGE,
    loop_sop_class: Some(US_LOOP),
    descriptions: &["US Abdomen", "Sonographie Abdomen", "US abdomen complete with Doppler"],
    site: ABDOMEN,
    sex: None,
    histories: &[
        "Right upper quadrant pain after meals. Gallstones?",
        "Raised transaminases, alcohol denied.",
        "Renal colic on the left.",
    ],
    techniques: &[
        "Curved array, 1 to 6 MHz, B-mode and colour Doppler. Fasting patient, good conditions.",
        "B-mode ultrasound; limited by bowel gas.",
    ],
    normal: &[
        &["The liver is of normal size with homogeneous echotexture.", "Smooth liver contour, no focal lesion."],
        &["Bile ducts are not dilated.", "The common bile duct is slender."],
        &["The pancreas is partly obscured by gas.", "Head and body of the pancreas are unremarkable."],
        &["The spleen is homogeneous.", "Spleen not enlarged."],
        &["The abdominal aorta is of normal calibre.", "No aneurysm of the aorta."],
        &["No ascites.", "No free fluid."],
    ],
    normal_women: &["The uterus is unremarkable on transabdominal views."],
    normal_men: &["The prostate is not enlarged on transabdominal views."],
    lesions: &[
        Lesion {
            code: None,
            noun: "gallstone",
            places: &[place("gallbladder", GALLBLADDER)],
            sentences: &["Mobile echogenic stone in the {place} with acoustic shadow, {size}."],
            impressions: &["Cholecystolithiasis, largest stone {size}. No cholecystitis."],
            quantities: &[
                coded(DIAMETER, "diameter", "mm", 1, Spread::Between(31, 289)),
                plain("gallbladder wall thickness", "mm", 1, Spread::Between(14, 61)),
            ],
            excludes: &[],
            critical: false,
            graded: false,
        },
        Lesion {
            code: Some(FATTY_LIVER),
            noun: "hepatic steatosis",
            places: &[place("liver", LIVER)],
            sentences: &["Increased echogenicity of the {place} with dorsal attenuation; craniocaudal span {size}."],
            impressions: &["Steatosis of the {place}."],
            quantities: &[
                plain("craniocaudal span", "mm", 0, Spread::Between(128, 201)),
                plain("shear wave stiffness", "kPa", 1, Spread::Between(31, 142)),
            ],
            excludes: &["normal size", "Smooth liver"],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(HYDRONEPHROSIS),
            noun: "hydronephrosis",
            places: &[right("right kidney", KIDNEY), left("left kidney", KIDNEY)],
            sentences: &["Dilatation of the collecting system of the {place}, pelvis {size}."],
            impressions: &["Hydronephrosis of the {place}."],
            quantities: &[
                plain("pelvic diameter", "mm", 1, Spread::Between(101, 389)),
                plain("resistive index", "{ratio}", 2, Spread::Between(52, 88)),
            ],
            excludes: &[],
            critical: false,
            graded: true,
        },
        Lesion {
            code: Some(CYST),
            noun: "hepatic cyst",
            places: &[place("right hepatic lobe", LIVER), place("left hepatic lobe", LIVER)],
            sentences: &["Anechoic cyst of the {place} with dorsal enhancement, {size}."],
            impressions: &["Simple cyst of the {place}, {size}."],
            quantities: &[
                coded(LONG_AXIS, "long axis", "mm", 1, Spread::Between(52, 918)),
                coded(SHORT_AXIS, "short axis", "mm", 1, Spread::OfFirst(60, 100)),
            ],
            excludes: &["focal"],
            critical: false,
            graded: false,
        },
    ],
    surveys: &[Survey {
        quantities: &[
            plain("peak systolic velocity", "cm/s", 1, Spread::Between(281, 2310)),
            plain("end diastolic velocity", "cm/s", 1, Spread::OfFirst(12, 46)),
            plain("resistive index", "{ratio}", 3, Spread::Between(481, 892)),
        ],
        places: &[
            place("hepatic artery", LIVER),
            place("portal vein", LIVER),
            right("right renal artery", KIDNEY),
            left("left renal artery", KIDNEY),
            place("splenic artery", SPLEEN),
            place("superior mesenteric artery", ABDOMEN),
        ],
        follows_lesions: false,
        sentence: "Doppler velocities of all insonated vessels are listed in the table of measurements.",
    }],
    clear: &["Normal ultrasound of the abdomen.", "No cholelithiasis, no hydronephrosis."],
    advice: &["Surgical referral.", "Laboratory follow-up and ultrasound in 6 months.", "None."],
};

pub(super) const THYROID_PROTOCOL: Protocol = Protocol {
    modality: "US",
    sop_class: US_IMAGE,
    loop_sop_class: Some(US_LOOP),
    descriptions: &["US Thyroid", "Sonographie Schilddrüse"],
    site: THYROID,
    sex: None,
    histories: &["Palpable nodule. TSH 0.9 mIU/L.", "Follow-up of a known multinodular goitre."],
    techniques: &["Linear array, 5 to 18 MHz, B-mode and power Doppler."],
    normal: &[
        &["Normal echogenicity of the thyroid.", "Inhomogeneous echotexture of both lobes."],
        &["The isthmus is slender.", "The isthmus is not thickened."],
        &["Normal perfusion.", "Perfusion is not increased."],
        &["No suspicious cervical lymph nodes.", "Cervical lymph nodes are oval with a fatty hilum."],
    ],
    normal_women: &[],
    normal_men: &[],
    lesions: &[Lesion {
        code: Some(THYROID_NODULE),
        noun: "thyroid nodule",
        places: &[left("left lobe", THYROID_LEFT), right("right lobe", THYROID_RIGHT)],
        sentences: &[
            "Solid hypoechoic nodule in the {place}, {size}, with punctate echogenic foci (TI-RADS 5).",
            "Isoechoic nodule with a halo in the {place}, {size} (TI-RADS 3).",
        ],
        impressions: &["Thyroid nodule in the {place}, {size}."],
        quantities: &[
            coded(LENGTH, "length", "mm", 1, Spread::Between(41, 486)),
            coded(WIDTH, "width", "mm", 1, Spread::OfFirst(50, 96)),
            coded(DEPTH, "depth", "mm", 1, Spread::OfFirst(45, 95)),
            coded(AREA, "area", "mm2", 1, Spread::Between(141, 9210)),
        ],
        excludes: &["Normal echogenicity"],
        critical: false,
        graded: false,
    }],
    surveys: &[Survey {
        quantities: &[
            coded(LENGTH, "length", "mm", 1, Spread::Between(381, 612)),
            coded(WIDTH, "width", "mm", 1, Spread::Between(121, 244)),
            coded(DEPTH, "depth", "mm", 1, Spread::Between(118, 231)),
            coded(VOLUME, "volume", "mL", 2, Spread::Between(310, 1890)).by(ELLIPSOID),
        ],
        places: &[left("left lobe", THYROID_LEFT), right("right lobe", THYROID_RIGHT)],
        follows_lesions: false,
        sentence: "Dimensions and volumes of both lobes are listed in the table of measurements.",
    }],
    clear: &["Normal thyroid ultrasound.", "No nodules that need clarification."],
    advice: &["Fine-needle aspiration.", "Ultrasound in 12 months.", "None."],
};
