/** What a Go executable says of itself in its build info. */

export interface GoModule {
	readonly path: string;
	readonly version: string;
}

export interface GoBuild {
	/** `go1.26.8`. */
	readonly goVersion: string;
	/** The main module. */
	readonly main?: GoModule;
	/** Dependencies with replacements applied. */
	readonly modules: readonly GoModule[];
	/** Build settings: `-trimpath`, `GOARCH`, `vcs.revision`. */
	readonly settings: Readonly<Record<string, string>>;
}
