import com.pixelmed.validate.DicomSRValidator;

/**
 * Runs pixelmed's DicomSRValidator on many files in one process, for its start takes longest. Prints what it
 * says on each file, and then a line {@code END path}.
 */
public final class Sr {
    private Sr() {
    }

    public static void main(String[] paths) throws Exception {
        DicomSRValidator validator = new DicomSRValidator();
        for (String path : paths) {
            try {
                System.out.print(validator.validate(path));
            } catch (Exception | OutOfMemoryError | StackOverflowError e) {
                System.out.println("Exception: " + e);
            }
            System.out.println("\nEND " + path);
        }
    }
}
