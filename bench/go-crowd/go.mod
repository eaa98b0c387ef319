module plumbline.dev/bench/crowd

go 1.21
