/**
 * Places for questions under way, over all listeners, and how many of them one client may hold: no more than are free.
 *
 *   1024 ┤ one client 512 │ free 512      two clients 341 each │ free 342      ten clients 93 each │ free 94
 *
 * Whoever comes last so finds some, however much the others want: one who asks for slow names all the time does not make
 * the server SERVFAIL for everybody. Of fixed shares a few clients could hold all, and one alone would have little.
 */
export interface Places {
	hasRoom(client: number): boolean;
	/** False if the client holds its share. */
	take(client: number): boolean;
	leave(client: number): void;
	taken(): number;
}

export function createPlaces(placesMax: number): Places {
	/** No more entries than places. */
	const held = new Map<number, number>();
	let taken = 0;
	const hasRoom = (client: number) => (held.get(client) ?? 0) < placesMax - taken;
	return {
		hasRoom,
		take(client) {
			if (!hasRoom(client)) return false;
			held.set(client, (held.get(client) ?? 0) + 1);
			taken++;
			return true;
		},
		leave(client) {
			const left = (held.get(client) ?? 0) - 1;
			if (left > 0) held.set(client, left);
			else held.delete(client);
			taken--;
		},
		taken: () => taken,
	};
}
