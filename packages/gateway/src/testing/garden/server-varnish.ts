import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type GardenKind, TAG, TAG_LINE } from "./server.ts";

/** `pass` is said of everything: nothing is cached, and unknown methods are not piped. */
export const VARNISH: GardenKind = {
	name: "varnish",
	program: "varnishd",
	endsCutBodies: true,
	dropsBodiesOfGet: true,
	prepare({ folder, port, nextPort }) {
		const file = join(folder, "garden.vcl");
		writeFileSync(
			file,
			`vcl 4.1;
backend next { .host = "127.0.0.1"; .port = "${nextPort}"; }
sub vcl_recv {
	set req.http.${TAG} = req.xid;
	set req.http.${TAG_LINE} = req.method + " " + req.url;
	return (pass);
}
`,
		);
		const place = ["-a", `127.0.0.1:${port}`, "-n", join(folder, "work")];
		return { args: ["-F", "-j", "none", ...place, "-f", file, "-s", "default,16m", "-p", "max_retries=0"] };
	},
};
