/** The program of a worker process; supervisor-worker.ts starts it. */
import { openGateway } from "./open-gateway.ts";
import { runWorker } from "./worker-run.ts";

runWorker(openGateway);
