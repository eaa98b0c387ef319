/**
 * Kernel lockdown (kernel_lockdown(7)): with `confidentiality` not even root may trace the kernel's memory.
 *
 * `none integrity [confidentiality]` in /sys/kernel/security/lockdown; the brackets mark what holds.
 */
import { readFileSync } from "node:fs";

export const LOCKED_DOWN = "the kernel is locked down (lockdown=confidentiality)";

/** False where it cannot be read: most kernels have no lockdown. */
export function isLockedDown(): boolean {
	try {
		return readFileSync("/sys/kernel/security/lockdown", "utf8").includes("[confidentiality]");
	} catch {
		return false;
	}
}
