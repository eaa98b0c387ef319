/** A worker of echo-program.ts. */
import { runWorker } from "../worker-run.ts";
import { openEcho } from "./echo-gateway.ts";

runWorker(openEcho);
