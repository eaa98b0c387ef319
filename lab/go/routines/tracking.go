package routines

import (
	"context"
	"net"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"plumbline.dev/lab/shop"
)

// follow is the one method of the tracking service: a parcel's number in, its events out.
const follow = "/lab.Tracking/Follow"

// trackingEvents is how many there are of a parcel that arrives.
const trackingEvents = 3

// trackingEvery is how far they are apart.
const trackingEvery = 2 * time.Millisecond

var trackingService = grpc.ServiceDesc{
	ServiceName: "lab.Tracking",
	HandlerType: (*any)(nil),
	Streams: []grpc.StreamDesc{
		{StreamName: "Follow", ServerStreams: true, Handler: followParcel},
	},
}

// followParcel sends all events of an ordinary parcel. One that is named live-* stays on its way until the client
// has seen enough.
func followParcel(_ any, stream grpc.ServerStream) error {
	parcel := new(wrapperspb.StringValue)
	if err := stream.RecvMsg(parcel); err != nil {
		return err
	}
	for event := 0; event < trackingEvents; event++ {
		if err := stream.SendMsg(wrapperspb.String("seen at a depot")); err != nil {
			return err
		}
		time.Sleep(trackingEvery)
	}
	if strings.HasPrefix(parcel.Value, "live-") {
		<-stream.Context().Done()
	}
	return nil
}

// startTracking serves it beside the shop, and connects to it.
func startTracking(s *shop.Server) (*grpc.ClientConn, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	server := grpc.NewServer(grpc.MaxConcurrentStreams(10_000))
	server.RegisterService(&trackingService, struct{}{})
	go func() {
		<-s.Ctx.Done()
		server.Stop()
	}()
	go func() { _ = server.Serve(listener) }()
	return grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
}

// openStream asks for a parcel's events.
func openStream(ctx context.Context, conn *grpc.ClientConn, parcel string) (grpc.ClientStream, error) {
	stream, err := conn.NewStream(ctx, &trackingService.Streams[0], follow)
	if err != nil {
		return nil, err
	}
	if err := stream.SendMsg(wrapperspb.String(parcel)); err != nil {
		return nil, err
	}
	return stream, stream.CloseSend()
}
