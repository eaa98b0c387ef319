/** Where recorded captures and their expected texts lie: captures/ of the repository. */
import { join } from "node:path";

export const CAPTURES_FOLDER = join(import.meta.dirname, "..", "..", "..", "captures");
/** Recorded texts are for 80 columns without color. */
export const GOLDEN_PAGE = { columns: 80, color: false } as const;
