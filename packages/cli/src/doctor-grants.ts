/**
 * How missing rights are granted, as commands and files to copy. Pure.
 *
 * Not setcap on node: the rights would then be every script's that any user runs with that node. (And ld.so
 * would ignore what such a program's environment says of libraries.)
 */
import type { HostRights } from "@plumbline/kernel/rights";
import type { Capability } from "@plumbline/kernel/rights-capabilities";

export interface Grant {
	/** Where this is the way: `sudo`, `setpriv`, `systemd`, `docker`, `kubectl`, `not here`. */
	readonly by: string;
	readonly note: string;
	/** Lines to copy. */
	readonly lines: readonly string[];
}

export interface Wanted {
	/** The rest of the command line after `plumbline`. */
	readonly command: string;
	readonly missing: readonly Capability[];
}

/** In the order in which they are worth trying here. */
export function grantsOf(host: HostRights, wanted: Wanted): readonly Grant[] {
	if (wanted.missing.length === 0) return [];
	const { confinement, capabilities } = host;
	const bounding = capabilities.kind === "read" ? capabilities.value.bounding : new Set<Capability>();
	const beyond = wanted.missing.filter((name) => !bounding.has(name));
	const contained = confinement.containerSign !== undefined || confinement.ownPidNamespace === true;
	const outside = [...(confinement.kubernetes ? [] : [docker(wanted)]), kubernetes(wanted)];
	if (beyond.length > 0 && !contained) return [startedWithout(beyond), systemd(wanted)];
	if (beyond.length > 0) return [startedWithout(beyond), ...outside];
	if (confinement.ownUserNamespace) return [userNamespace(), ...outside];
	const here = confinement.noNewPrivileges ? [noNewPrivileges()] : [sudo(wanted), asYourself(wanted)];
	return [...here, ...(contained ? outside : [systemd(wanted)])];
}

function startedWithout(beyond: readonly Capability[]): Grant {
	const note = `this process was started without ${beyond.join(", ")}: sudo cannot give it back here, only who starts it can`;
	return { by: "not here", note, lines: [] };
}

function userNamespace(): Grant {
	const note =
		"in a user namespace of its own root has no rights over the host: run it outside, or see below";
	return { by: "not here", note, lines: [] };
}

function noNewPrivileges(): Grant {
	const note = "no_new_privs is set: sudo gives nothing here. Start from a shell without it, or by systemd";
	return { by: "not here", note, lines: [] };
}

function sudo({ command }: Wanted): Grant {
	return {
		by: "sudo",
		note: "all rights, for one run",
		lines: [`sudo "$(command -v plumbline)" ${command}`],
	};
}

/** Measured: an ordinary user with ambient capabilities reaches what the abilities say. */
function asYourself({ command, missing }: Wanted): Grant {
	const caps = missing.map((name) => `+${shortName(name).toLowerCase()}`).join(",");
	return {
		by: "setpriv",
		note: "as yourself, with these rights and no others",
		lines: [
			'sudo setpriv --reuid="$(id -u)" --regid="$(id -g)" --init-groups \\',
			`  --inh-caps=${caps} --ambient-caps=${caps} "$(command -v plumbline)" ${command}`,
		],
	};
}

function systemd({ missing }: Wanted): Grant {
	const names = missing.join(" ");
	return {
		by: "systemd",
		note: "for a unit with a user of its own",
		lines: ["[Service]", "User=plumbline", `AmbientCapabilities=${names}`, `CapabilityBoundingSet=${names}`],
	};
}

function docker({ command, missing }: Wanted): Grant {
	const caps = missing.map((name) => `--cap-add ${shortName(name)}`).join(" ");
	return {
		by: "docker",
		note: "in the target's pid and network namespaces; as root in the container, for docker gives added rights to no other user",
		lines: [
			`docker run --rm -it --user 0 ${caps} \\`,
			`  --pid container:TARGET --network container:TARGET IMAGE plumbline ${command}`,
		],
	};
}

function kubernetes({ missing }: Wanted): Grant {
	const caps = missing.map(shortName).join(", ");
	return {
		by: "kubectl",
		note: "a debug container beside the target's: kubectl debug -it POD --image=IMAGE --target=CONTAINER --custom=rights.yaml (kubectl 1.31; before, --profile=sysadmin). For a sidecar: the same in its container, and shareProcessNamespace: true in the pod",
		lines: [
			"securityContext:",
			"  runAsUser: 0        # Kubernetes gives added capabilities to root only",
			"  capabilities:",
			`    add: [${caps}]`,
		],
	};
}

/** Docker and Kubernetes name them without the prefix. */
function shortName(name: Capability): string {
	return name.replace("CAP_", "");
}
