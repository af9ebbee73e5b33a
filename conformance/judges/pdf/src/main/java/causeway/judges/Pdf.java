package causeway.judges;

import java.io.File;
import java.util.List;

import org.verapdf.gf.foundry.VeraGreenfieldFoundryProvider;
import org.verapdf.pdfa.Foundries;
import org.verapdf.pdfa.PDFAParser;
import org.verapdf.pdfa.PDFAValidator;
import org.verapdf.pdfa.flavours.PDFAFlavour;
import org.verapdf.pdfa.results.TestAssertion;
import org.verapdf.pdfa.results.ValidationResult;

/**
 * Asks veraPDF whether files are PDF/A-3b (ISO 19005-3, level B).
 *
 * <p>Arguments are files. Prints {@code PASS path}, or one {@code FAIL path: clause message} line for each
 * thing that is wrong. Exit 0: all pass; 1: some fail; 2: no file given.
 */
public final class Pdf {
    private static final PDFAFlavour FLAVOUR = PDFAFlavour.PDFA_3_B;
    /** How often veraPDF repeats the same broken rule, at different places of one file. */
    private static final int REPEATS = 20;

    private Pdf() {
    }

    public static void main(String[] paths) {
        if (paths.length == 0) {
            System.err.println("usage: judge-pdf FILE...");
            System.exit(2);
        }
        VeraGreenfieldFoundryProvider.initialise();
        int failed = 0;
        for (String path : paths) {
            List<String> faults = faults(path);
            if (faults.isEmpty()) {
                System.out.println("PASS " + path);
            } else {
                failed++;
                faults.forEach(fault -> System.out.println("FAIL " + path + ": " + fault));
            }
        }
        System.exit(failed == 0 ? 0 : 1);
    }

    private static List<String> faults(String path) {
        // A file that cannot be parsed throws, with any kind of exception: that is a verdict, too.
        try (PDFAParser parser = Foundries.defaultInstance().createParser(new File(path), FLAVOUR);
                PDFAValidator validator =
                        Foundries.defaultInstance().createValidator(FLAVOUR, REPEATS, false, true, false)) {
            ValidationResult result = validator.validate(parser);
            if (result.isCompliant()) {
                return List.of();
            }
            List<String> faults = result.getTestAssertions().stream()
                    .filter(assertion -> assertion.getStatus() == TestAssertion.Status.FAILED)
                    .map(Pdf::fault)
                    .toList();
            return faults.isEmpty() ? List.of("not compliant: " + result.getJobEndStatus()) : faults;
        } catch (Exception e) {
            return List.of("cannot be judged: " + e);
        }
    }

    private static String fault(TestAssertion assertion) {
        String detail = assertion.getErrorMessage() == null ? assertion.getMessage() : assertion.getErrorMessage();
        return assertion.getRuleId().getClause() + "-" + assertion.getRuleId().getTestNumber()
                + " " + detail.replaceAll("\\s+", " ") + " at " + assertion.getLocation().getContext();
    }
}
