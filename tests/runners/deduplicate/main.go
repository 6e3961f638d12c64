// Deduplicate is a pipeline in Go that drops duplicates with curate, through Beam's expansion service of Python.
// It reads documents as JSON lines, and writes each output of the transform as JSON lines.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"reflect"
	"strings"

	"github.com/apache/beam/sdks/v2/go/pkg/beam"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/runtime/xlangx"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/core/typex"
	_ "github.com/apache/beam/sdks/v2/go/pkg/beam/io/filesystem/local"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/io/textio"
	jobpb "github.com/apache/beam/sdks/v2/go/pkg/beam/model/jobmanagement_v1"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/register"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/transforms/xlang/python"
	"github.com/apache/beam/sdks/v2/go/pkg/beam/x/beamx"
)

var (
	input     = flag.String("input", "", "file of JSON lines")
	output    = flag.String("output", "", "directory that gets a file for each output")
	expansion = flag.String("expansion", "", "address of the expansion service")
	transform = flag.String("transform", "curate.transforms.yaml.DropDuplicates", "its name in Python")
	written   = flag.String("written", "kept,dropped,ledger", "outputs of the transform that are written")
	unread    = flag.String("unread", "", "its other outputs; Go must name all")
	threshold = flag.Float64("threshold", 0.8, "least similarity of a duplicate")
	contained = flag.Float64("containment", 0.9, "least share of a duplicate that its survivor has")
	prefer    = flag.String("prefer", "", "columns whose smallest values survive, largest where preceded by -")
)

// Document is a row as the user has it.
type Document struct {
	ID     string   `beam:"id" json:"id"`
	Text   string   `beam:"text" json:"text"`
	Crawl  int64    `beam:"crawl" json:"crawl"`
	Labels []string `beam:"labels" json:"labels"`
	Rating *float64 `beam:"rating" json:"rating"`
}

// Arguments are those of the constructor in Python; what is a dict there is a struct here.
type Arguments struct {
	Threshold   float64  `beam:"threshold"`
	Containment float64  `beam:"containment"`
	Config      Settings `beam:"config"`
}

// Settings are the sections of curate's configuration that this pipeline sets.
type Settings struct {
	Dedupe struct {
		Prefer []string `beam:"prefer"`
	} `beam:"dedupe"`
}

// Nothing stands for no positional arguments.
type Nothing struct{}

func parse(line string) (Document, error) {
	var document Document
	err := json.Unmarshal([]byte(line), &document)
	return document, err
}

// Rows come back as structs that Beam makes of their schemas, with the names of fields as tags.
func told(row beam.T) (string, error) {
	line, err := json.Marshal(plain(reflect.ValueOf(row)))
	return string(line), err
}

func plain(value reflect.Value) any {
	switch value.Kind() {
	case reflect.Struct:
		fields := map[string]any{}
		for i := range value.NumField() {
			fields[value.Type().Field(i).Tag.Get("beam")] = plain(value.Field(i))
		}
		return fields
	case reflect.Slice:
		items := []any{}
		for i := range value.Len() {
			items = append(items, plain(value.Index(i)))
		}
		return items
	default:
		return value.Interface()
	}
}

// Go asks with coders of the outputs, under numbers that coders of its own pipeline have as well, and lets what
// comes back replace those (Beam 2.77). Python needs none of them.
func expand(ctx context.Context, params *xlangx.HandlerParams) (*jobpb.ExpansionResponse, error) {
	for id := range params.Req.GetComponents().GetCoders() {
		if !strings.Contains(id, "@") {
			delete(params.Req.Components.Coders, id)
		}
	}
	return xlangx.QueryExpansionService(ctx, params)
}

func init() {
	xlangx.RegisterHandler("python", expand)
	register.Function1x2(parse)
	register.Function1x2(told)
	for _, row := range []any{Document{}, Arguments{}, Settings{}, Nothing{}} {
		beam.RegisterType(reflect.TypeOf(row))
	}
}

func list(names string) []string {
	return strings.FieldsFunc(names, func(r rune) bool { return r == ',' })
}

func main() {
	flag.Parse()
	beam.Init()
	pipeline, scope := beam.NewPipelineWithRoot()

	file, err := os.Open(*input)
	if err != nil {
		log.Fatal(err)
	}
	var lines []string
	for scanner := bufio.NewScanner(file); scanner.Scan(); {
		lines = append(lines, scanner.Text())
	}
	documents := beam.ParDo(scope, parse, beam.CreateList(scope, lines))

	arguments := Arguments{Threshold: *threshold, Containment: *contained}
	arguments.Config.Dedupe.Prefer = list(*prefer)
	call := python.NewExternalTransform[Nothing, Arguments](*transform)
	call.WithKwargs(arguments)
	types := map[string]beam.FullType{} // of rows: their fields are those of the schemas that come back
	for _, name := range append(list(*written), list(*unread)...) {
		types[name] = typex.New(reflect.TypeOf(Document{}))
	}
	outputs := beam.CrossLanguage(
		scope,
		"beam:transforms:python:fully_qualified_named",
		beam.CrossLanguagePayload(call),
		"python:"+*expansion,
		beam.UnnamedInput(documents),
		types,
	)
	for _, name := range list(*written) {
		textio.Write(scope, *output+"/"+name+".jsonl", beam.ParDo(scope, told, outputs[name]))
	}
	if err := beamx.Run(context.Background(), pipeline); err != nil {
		log.Fatal(err)
	}
}
