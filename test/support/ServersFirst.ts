/** The order of the test files: those that start servers are the longest, and mostly wait, so that they begin first. */
import { BaseSequencer, type TestSpecification } from "vitest/node"

const startsServers = ({ moduleId }: TestSpecification): boolean => moduleId.endsWith(".integration.test.ts")

export class ServersFirst extends BaseSequencer {
  override async sort(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    const [servers, others] = [files.filter(startsServers), files.filter((file) => !startsServers(file))]
    return (await Promise.all([servers, others].map((part) => this.#longestFirst(part)))).flat()
  }

  #longestFirst(files: Array<TestSpecification>): Promise<Array<TestSpecification>> {
    // oxlint-disable-next-line unicorn/no-array-sort -- it is a sequencer's
    return super.sort(files)
  }
}
